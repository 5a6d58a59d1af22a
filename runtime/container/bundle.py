"""ContainerSpec and image to Bundle: the last decision before the launcher."""

import os
from pathlib import Path

from runtime.container import program
from runtime.container.mounts import by_depth
from runtime.container.security import confinement
from runtime.errors import InvalidArgument
from runtime.logs.writer import limits as log_limits
from runtime.signals import signal_name
from schemas.dataclass import dataclass
from schemas.engine.bundle import Bundle, BundleMount, Rootfs
from schemas.engine.identifiers import ContainerID, short
from schemas.engine.records import ImageConfig
from schemas.engine.specs import ContainerSpec, partner_of

MINIMUM_MEMORY_BYTES = 6 * 1024 * 1024
HOSTNAME_LENGTH = 64
NETWORK_FILES = ("hosts", "hostname", "resolv.conf")
_IPC_MODES = frozenset({"", "private", "shareable", "host", "none"})
_CGROUP_MODES = frozenset({"", "private", "host"})
_OWN_OR_HOST = frozenset({"", "host"})


@dataclass(frozen=True, slots=True)
class Parts:
    """What was made for the container before its bundle is written."""

    rootfs: Rootfs
    mounts: tuple[BundleMount, ...]
    network_files: Path
    """Folder with hosts, hostname and resolv.conf."""


def build(container_id: ContainerID, spec: ContainerSpec, image: ImageConfig, parts: Parts) -> Bundle:
    """Return the bundle of a container. Raises InvalidArgument or Unsupported for what cannot be."""
    _check(spec)
    confined = confinement(spec)
    hostname = spec.hostname or default_hostname(container_id, spec)
    return Bundle(
        id=container_id,
        rootfs=parts.rootfs,
        args=program.arguments(spec, image),
        environment=program.environment(spec, image, hostname),
        cwd=spec.working_dir or image.working_dir or "/",
        user=spec.user or image.user,
        group_add=spec.group_add,
        hostname=hostname,
        domainname=spec.domainname,
        tty=spec.tty,
        stdin_open=spec.stdin_open,
        init=spec.init,
        mounts=by_depth((*_network_file_mounts(parts), *parts.mounts)),
        shm_size_bytes=spec.shm_size_bytes,
        network="host" if spec.network_mode == "host" else "sandbox",
        pid_mode=spec.pid_mode,
        ipc_mode=spec.ipc_mode,
        uts_mode=spec.uts_mode,
        cgroup_path=cgroup_path(container_id, spec),
        cgroup_private=spec.cgroup_mode != "host",
        cgroup_writable=confined.writable_cgroups,
        capabilities=confined.capabilities,
        privileged=spec.privileged,
        seccomp=confined.seccomp,
        no_new_privileges=confined.no_new_privileges,
        masked_paths=confined.masked_paths,
        read_only_paths=confined.read_only_paths,
        sysctls=spec.sysctls,
        rlimits=spec.ulimits,
        oom_score_adj=spec.oom_score_adj,
        devices=spec.devices,
        device_cgroup_rules=spec.device_cgroup_rules,
        resources=spec.resources,
        healthcheck=program.healthcheck(spec, image),
        stop_signal=signal_name(spec.stop_signal or image.stop_signal or program.DEFAULT_STOP_SIGNAL),
        stop_grace_period_s=(
            program.DEFAULT_GRACE_PERIOD_S if spec.stop_grace_period_s is None else spec.stop_grace_period_s
        ),
        log=spec.log,
    )


def cgroup_path(container_id: ContainerID, spec: ContainerSpec) -> str:
    """Return the container's cgroup below each hierarchy's root."""
    parent = spec.cgroup_parent.strip("/") or f"pycompose/{spec.project or 'none'}"
    if any(part in {"", ".", ".."} for part in parent.split("/")):
        raise InvalidArgument(f"cgroup_parent `{spec.cgroup_parent}` is not a clean path")
    return f"{parent}/{container_id}"


def default_hostname(container_id: ContainerID, spec: ContainerSpec) -> str:
    """Return the hostname of a container whose spec names none."""
    if spec.network_mode == "host" or spec.uts_mode == "host":
        return Path("/proc/sys/kernel/hostname").read_text().strip()
    return short(container_id)


def _network_file_mounts(parts: Parts) -> list[BundleMount]:
    taken = {mount.target for mount in parts.mounts}
    return [
        BundleMount(type="bind", target=f"/etc/{name}", source=str(parts.network_files / name))
        for name in NETWORK_FILES
        if f"/etc/{name}" not in taken
    ]


def _check_modes(spec: ContainerSpec) -> None:
    # A word that nobody knows must not end as the host's namespace.
    for attribute, mode, known, may_join in (
        ("pid", spec.pid_mode, _OWN_OR_HOST, True),
        ("ipc", spec.ipc_mode, _IPC_MODES, True),
        ("uts", spec.uts_mode, _OWN_OR_HOST, False),
        ("cgroup", spec.cgroup_mode, _CGROUP_MODES, False),
    ):
        if mode not in known and not (may_join and partner_of(mode)):
            raise InvalidArgument(f"`{spec.name}`: invalid {attribute} mode `{mode}`")


def _check(spec: ContainerSpec) -> None:
    _check_modes(spec)
    log_limits(spec.log)
    if len(spec.hostname) > HOSTNAME_LENGTH:
        raise InvalidArgument(f"hostname `{spec.hostname}` is longer than {HOSTNAME_LENGTH} characters")
    if not -1000 <= spec.oom_score_adj <= 1000:
        raise InvalidArgument(f"oom_score_adj {spec.oom_score_adj} of `{spec.name}` is not within -1000 and 1000")
    if "" in spec.environment:
        raise InvalidArgument(f"invalid environment variable: `={spec.environment[''] or ''}`")
    available = os.cpu_count() or 1
    if spec.resources.cpus and not 0.01 <= spec.resources.cpus <= available:
        raise InvalidArgument(
            f"`{spec.name}` asks for {spec.resources.cpus:g} CPUs: the range is from 0.01 to {available:.2f}, "
            f"as there are only {available} CPUs available"
        )
    memory = spec.resources.memory_bytes
    if 0 < memory < MINIMUM_MEMORY_BYTES:
        raise InvalidArgument(
            f"memory limit of `{spec.name}` is {memory} bytes, the minimum is 6 MiB",
            hint="raise `mem_limit` (or deploy.resources.limits.memory) to 6m or more",
        )
    if spec.network_mode == "host" and any(name.startswith("net.") for name in spec.sysctls):
        raise InvalidArgument(f"`{spec.name}` cannot set net.* sysctls with the host's network")
