"""Limits as the writes they become."""

import pytest

from runtime.cgroup.resources import Setting, cpu_weight, io_weight, settings
from runtime.errors import EngineError
from schemas.engine.specs import Resources

MIB = 1 << 20


def _written(resources: Resources, version: int) -> dict[str, str]:
    return {setting.file: setting.value for setting in settings(resources, version)}


def test_no_limit_must_write_nothing():
    """A container without limits leaves the kernel's defaults."""
    assert settings(Resources(), 1) == settings(Resources(), 2) == []


def test_memory_must_bring_its_swap_along():
    """Without `memswap_limit`, memory and swap together are twice the memory."""
    assert _written(Resources(memory_bytes=64 * MIB), 1) == {
        "memory.limit_in_bytes": str(64 * MIB),
        "memory.memsw.limit_in_bytes": str(128 * MIB),
    }
    assert _written(Resources(memory_bytes=64 * MIB), 2) == {
        "memory.max": str(64 * MIB),
        "memory.swap.max": str(64 * MIB),
    }


@pytest.mark.parametrize(("swap", "v1", "v2"), [(-1, "-1", "max"), (64 * MIB, str(64 * MIB), "0")])
def test_swap_must_be_unlimited_or_none_when_asked(swap: int, v1: str, v2: str):
    """-1 is without limit; the same as the memory is no swap at all."""
    limits = Resources(memory_bytes=64 * MIB, memory_swap_bytes=swap)
    assert _written(limits, 1)["memory.memsw.limit_in_bytes"] == v1
    assert _written(limits, 2)["memory.swap.max"] == v2


def test_swap_accounting_may_be_missing():
    """A kernel without it has no such file, and the container starts all the same, as Docker's does."""
    assert Setting("memory", "memory.memsw.limit_in_bytes", str(2 * MIB), True) in settings(
        Resources(memory_bytes=MIB), 1
    )


def test_cpus_must_become_a_quota():
    """1.5 processors are 150 ms in every 100."""
    assert _written(Resources(cpus=1.5), 1) == {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "150000"}
    assert _written(Resources(cpus=1.5), 2) == {"cpu.max": "150000 100000"}
    assert _written(Resources(cpu_quota_us=5000, cpu_period_us=20000), 2) == {"cpu.max": "5000 20000"}


@pytest.mark.parametrize(
    ("shares", "weight"), [(1, 1), (2, 1), (512, 59), (1024, 100), (262144, 10000), (10**6, 10000)]
)
def test_shares_must_become_a_weight(shares: int, weight: int):
    """The formula of 2025: 1024 shares, the default of version 1, are 100, the default of version 2."""
    assert cpu_weight(shares) == weight


@pytest.mark.parametrize(("weight", "expected"), [(10, 1), (500, 4950), (1000, 10000)])
def test_a_block_io_weight_must_be_scaled(weight: int, expected: int):
    """10..1000 to 1..10000."""
    assert io_weight(weight) == expected


def test_unlimited_processes_must_be_max():
    """-1 is without limit, 0 is not set."""
    assert _written(Resources(pids_limit=-1), 1) == {"pids.max": "max"}
    assert _written(Resources(pids_limit=7), 2) == {"pids.max": "7"}


def test_what_version_2_has_not_must_be_left_out():
    """As Docker discards it."""
    assert _written(Resources(memory_swappiness=0, oom_kill_disable=True, cpu_rt_runtime_us=1), 2) == {}


def test_a_block_limit_must_need_a_block_device():
    """A path that is none is an error with its name."""
    for path in ("/dev/null", "/dev/nothing"):
        with pytest.raises(EngineError, match=path):
            settings(Resources(blkio_device=(("read_bps", path, 1),)), 1)
