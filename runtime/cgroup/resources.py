"""Limits to controller files, as data: what to write, in order.

Names and formulas are the OCI runtime-spec's and crun's: cpu weight from shares by the logarithmic
formula of 2025, io weight linear from 10..1000 to 1..10000.
"""

import errno
import math
import os
import stat

from runtime.cgroup import files
from runtime.cgroup.hierarchy import Hierarchies
from runtime.errors import InvalidArgument, SyscallError, Unsupported
from schemas.dataclass import dataclass
from schemas.engine.specs import Resources

_DEFAULT_PERIOD_US = 100_000
_THROTTLE = {"read_bps": "rbps", "write_bps": "wbps", "read_iops": "riops", "write_iops": "wiops"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One write: `value` into `file` of `controller`; an optional one may find no such file."""

    controller: str
    file: str
    value: str
    optional: bool = False


def settings(resources: Resources, version: int) -> list[Setting]:
    """Return the writes that put limits into force, in order, for cgroup version 1 or 2."""
    return _legacy(resources) if version == 1 else _unified(resources)


def apply(hierarchies: Hierarchies, path: str, resources: Resources) -> None:
    """Write all limits of the group at `path`.

    A pair like memory and memory+swap, or period and quota, has no order that suits every former
    state: what the kernel calls invalid is tried once more after the rest. Raises SyscallError,
    Unsupported for a limit without a file, InvalidArgument.
    """
    again: list[Setting] = []
    for setting in settings(resources, hierarchies.version):
        try:
            _write(hierarchies, path, setting)
        except SyscallError as error:
            if error.errno not in (errno.EINVAL, errno.EBUSY):
                raise
            again.append(setting)
    for setting in again:
        _write(hierarchies, path, setting)


def _write(hierarchies: Hierarchies, path: str, setting: Setting) -> None:
    try:
        files.write(hierarchies.folder(path, setting.controller), setting.file, setting.value)
    except (SyscallError, Unsupported) as error:
        missing = isinstance(error, Unsupported) or error.errno == errno.ENOENT
        if missing and setting.optional:
            return
        if missing:
            raise Unsupported(f"this machine's cgroups have no `{setting.file}`") from error
        raise


def cpu_weight(shares: int) -> int:
    """Return the v2 weight (1 to 10000) of v1 shares (2 to 262144); 1024 is 100."""
    if shares <= 2:
        return 1
    if shares >= 262_144:
        return 10_000
    exponent = math.log2(shares)
    return math.ceil(10 ** ((exponent * exponent + 125 * exponent) / 612 - 7 / 34))


def io_weight(weight: int) -> int:
    """Return the v2 io.weight (1 to 10000) of a v1 blkio weight (10 to 1000)."""
    return 1 + (weight - 10) * 9999 // 990


def _quota(resources: Resources) -> tuple[int, int]:
    """Return (quota, period) in microseconds; 0 is not set."""
    if resources.cpus:
        return round(resources.cpus * _DEFAULT_PERIOD_US), _DEFAULT_PERIOD_US
    return resources.cpu_quota_us, resources.cpu_period_us


def _swap_total(resources: Resources) -> int:
    """Return memory and swap together; -1 without limit, 0 not set."""
    if resources.memory_swap_bytes:
        return resources.memory_swap_bytes
    return 2 * resources.memory_bytes


def _legacy(r: Resources) -> list[Setting]:
    quota, period = _quota(r)
    total = _swap_total(r)
    writes = [
        Setting("memory", "memory.limit_in_bytes", str(r.memory_bytes)) if r.memory_bytes else None,
        Setting("memory", "memory.memsw.limit_in_bytes", str(total), optional=True) if total else None,
        Setting("memory", "memory.soft_limit_in_bytes", str(r.memory_reservation_bytes))
        if r.memory_reservation_bytes
        else None,
        Setting("memory", "memory.swappiness", str(r.memory_swappiness)) if r.memory_swappiness is not None else None,
        Setting("memory", "memory.oom_control", "1") if r.oom_kill_disable else None,
        Setting("cpu", "cpu.cfs_period_us", str(period)) if period else None,
        Setting("cpu", "cpu.cfs_quota_us", str(quota)) if quota else None,
        Setting("cpu", "cpu.shares", str(r.cpu_shares)) if r.cpu_shares else None,
        Setting("cpu", "cpu.rt_period_us", str(r.cpu_rt_period_us)) if r.cpu_rt_period_us else None,
        Setting("cpu", "cpu.rt_runtime_us", str(r.cpu_rt_runtime_us)) if r.cpu_rt_runtime_us else None,
        Setting("cpuset", "cpuset.cpus", r.cpuset_cpus) if r.cpuset_cpus else None,
        Setting("pids", "pids.max", _or_max(r.pids_limit)) if r.pids_limit else None,
    ]
    return [write for write in writes if write is not None] + _legacy_block_io(r)


def _legacy_block_io(r: Resources) -> list[Setting]:
    writes = []
    if r.blkio_weight:
        # The file's name is the scheduler's; with neither, as with Docker, the weight has no effect.
        writes += [Setting("blkio", f"blkio.{name}", str(r.blkio_weight), True) for name in ("weight", "bfq.weight")]
    for kind, host_path, value in r.blkio_device:
        line = f"{_device_number(host_path)} {value}"
        if kind == "weight":
            names = ("weight_device", "bfq.weight_device")
            writes += [Setting("blkio", f"blkio.{name}", line, True) for name in names]
        else:
            writes.append(Setting("blkio", f"blkio.throttle.{kind}_device", line))
    return writes


def _unified(r: Resources) -> list[Setting]:
    quota, period = _quota(r)
    total = _swap_total(r)
    swap = "max" if total < 0 else str(max(0, total - r.memory_bytes))
    budget = f"{quota if quota > 0 else 'max'} {period or _DEFAULT_PERIOD_US}"
    writes = [
        Setting("memory", "memory.max", str(r.memory_bytes)) if r.memory_bytes else None,
        Setting("memory", "memory.swap.max", swap, optional=True) if total else None,
        Setting("memory", "memory.low", str(r.memory_reservation_bytes)) if r.memory_reservation_bytes else None,
        Setting("cpu", "cpu.max", budget) if quota or period else None,
        Setting("cpu", "cpu.weight", str(cpu_weight(r.cpu_shares))) if r.cpu_shares else None,
        Setting("cpuset", "cpuset.cpus", r.cpuset_cpus) if r.cpuset_cpus else None,
        Setting("pids", "pids.max", _or_max(r.pids_limit)) if r.pids_limit else None,
    ]
    return [write for write in writes if write is not None] + _unified_block_io(r)


def _unified_block_io(r: Resources) -> list[Setting]:
    writes = []
    if r.blkio_weight:
        writes.append(Setting("io", "io.bfq.weight", str(r.blkio_weight), True))
        writes.append(Setting("io", "io.weight", str(io_weight(r.blkio_weight)), True))
    for kind, host_path, value in r.blkio_device:
        number = _device_number(host_path)
        if kind == "weight":
            writes.append(Setting("io", "io.bfq.weight", f"{number} {value}", True))
        else:
            writes.append(Setting("io", "io.max", f"{number} {_THROTTLE[kind]}={value}"))
    return writes


def _or_max(limit: int) -> str:
    return str(limit) if limit > 0 else "max"


def _device_number(host_path: str) -> str:
    try:
        status = os.stat(host_path)
    except OSError as error:
        raise InvalidArgument(f"no block device `{host_path}`: {os.strerror(error.errno or 0).lower()}") from error
    if not stat.S_ISBLK(status.st_mode):
        raise InvalidArgument(f"`{host_path}` is no block device")
    return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
