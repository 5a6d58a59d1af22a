"""Control groups on the real kernel: limits hold, killing and pausing reach everybody, nothing stays."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.cgroup import control, devices, group
from runtime.cgroup.devices import DEFAULT_RULES, DeviceRule
from runtime.cgroup.hierarchy import detect
from runtime.errors import EngineError
from schemas.engine.specs import Resources
from tests.integration.cgroup.conftest import Groups

MIB = 1 << 20


def _sleep(_: str) -> None:
    time.sleep(60)


def _status(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_too_much_memory_must_end_in_an_oom_kill(groups: Groups):
    """`mem_limit` is kept by the kernel, and the kill is counted as one."""

    def grow(_: str) -> None:
        held = [bytearray(MIB) for _ in range(200)]
        os._exit(len(held) % 2)

    path, pid = groups.start(grow, Resources(memory_bytes=32 * MIB))
    assert _status(pid) == -9
    assert control.oom_kills(path) == 1


def test_dockers_smallest_limit_must_be_enough_to_start(groups: Groups):
    """6 MiB is what Docker accepts at least: our own part of a start fits in."""
    path, pid = groups.start(lambda _: None, Resources(memory_bytes=6 * MIB))
    assert _status(pid) == 0
    assert control.oom_kills(path) == 0


def test_more_processes_than_allowed_must_be_refused(groups: Groups):
    """`pids_limit` counts every process of the group."""

    def fork_many(_: str) -> None:
        children = 0
        try:
            for _ in range(10):
                if os.fork() == 0:
                    time.sleep(5)
                    os._exit(0)
                children += 1
        except BlockingIOError:
            os._exit(children)

    _, pid = groups.start(fork_many, Resources(pids_limit=4))
    assert _status(pid) == 3


def test_limits_must_be_in_the_files(groups: Groups):
    """Processor time, shares, processors, memory with swap and reservation: what was asked is what the kernel has."""
    path, _ = groups.start(
        _sleep,
        Resources(
            cpus=0.5,
            cpu_shares=512,
            cpuset_cpus="0",
            memory_bytes=64 * MIB,
            memory_reservation_bytes=32 * MIB,
            pids_limit=9,
        ),
    )
    if detect().version == 2:
        pytest.skip("the files named here are those of version 1")
    expected = {
        ("cpu", "cpu.cfs_quota_us"): "50000",
        ("cpu", "cpu.shares"): "512",
        ("cpuset", "cpuset.cpus"): "0",
        ("memory", "memory.limit_in_bytes"): str(64 * MIB),
        ("memory", "memory.soft_limit_in_bytes"): str(32 * MIB),
        ("pids", "pids.max"): "9",
    }
    _settle(path)

    def found() -> dict[tuple[str, str], str]:
        return {key: Path(detect().folder(path, key[0]), key[1]).read_text().strip() for key in expected}

    deadline = time.monotonic() + 5
    while found() != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found() == expected


def test_a_limit_may_change_either_way_on_the_next_start(groups: Groups):
    """A group that is still there takes a higher and a lower limit, with and without swap."""
    path, _ = groups.start(_sleep, Resources(memory_bytes=64 * MIB))
    _settle(path)
    for memory, swap in ((128 * MIB, 0), (32 * MIB, 32 * MIB), (256 * MIB, -1), (16 * MIB, 0)):
        group.configure(path, Resources(memory_bytes=memory, memory_swap_bytes=swap), DEFAULT_RULES)


def test_killing_must_reach_grandchildren(groups: Groups, wait_until: Callable[..., None]):
    """Whoever was forked in the group dies with it, also with signals ignored and in another session."""

    def fork_daemon(_: str) -> None:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(60)
        time.sleep(60)

    path, pid = groups.start(fork_daemon)
    wait_until(lambda: len(control.processes(path)) == 3)
    control.kill(path)
    assert _status(pid) == -9
    wait_until(lambda: not control.is_populated(path))


def test_pausing_must_stop_and_thawing_go_on(groups: Groups):
    """A frozen group uses no processor time."""

    def spin(_: str) -> None:
        while True:
            pass

    path, pid = groups.start(spin)
    _settle(path)
    control.freeze(path)
    before = _processor_time(pid)
    time.sleep(0.2)
    assert _processor_time(pid) == before
    control.thaw(path)
    deadline = time.monotonic() + 5
    while _processor_time(pid) == before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _processor_time(pid) > before


def _processor_time(pid: int) -> int:
    """User time of a process in clock ticks (proc_pid_stat(5), field 14)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


def test_removing_must_leave_nothing_and_may_be_repeated(groups: Groups):
    """All trees are clean, levels above that are empty go too, and a second time is no error."""
    path, pid = groups.start(lambda _: None)
    _status(pid)
    group.remove(path)
    group.remove(path)
    assert _left(path) == []


def test_a_group_with_groups_below_must_be_removed(groups: Groups):
    """What a container made inside its own group is removed with it."""

    def nest(path: str) -> None:
        for folder in detect().folders(path):
            Path(folder, "inner/most").mkdir(parents=True)

    path, pid = groups.start(nest)
    assert _status(pid) == 0
    assert Path(detect().folders(path)[0], "inner/most").is_dir()
    group.remove(path)
    assert _left(path) == []


def test_devices_must_be_limited_to_the_rules(groups: Groups):
    """/dev/null yes, /dev/kmsg no, and yes with a rule for it."""

    def probe(_: str) -> None:
        os.close(os.open("/dev/null", os.O_RDWR))
        try:
            os.close(os.open("/dev/fuse", os.O_RDONLY))
        except PermissionError:
            os._exit(1)
        os._exit(2)

    assert _status(groups.start(probe)[1]) == 1
    assert _status(groups.start(probe, rules=(*DEFAULT_RULES, DeviceRule("c", 10, 229, "r")))[1]) == 2
    assert _status(groups.start(probe, rules=(devices.ALL,))[1]) == 2


def test_the_ebpf_program_must_limit_devices_like_the_rules(groups: Groups):
    """What version 2 uses instead of devices.allow, on the version 2 tree that this machine has."""
    if not detect().unified:
        pytest.skip("no version 2 tree is mounted")

    def probe(path: str) -> None:
        devices.apply_unified(f"{detect().unified}/{path}", (*DEFAULT_RULES, DeviceRule("c", 10, 229, "r")))
        outcome = 0
        for bit, (name, flags) in enumerate(
            (("null", os.O_RDWR), ("fuse", os.O_RDONLY), ("fuse", os.O_WRONLY), ("loop-control", os.O_RDONLY))
        ):
            try:
                os.close(os.open(f"/dev/{name}", flags))
            except PermissionError:
                outcome |= 1 << bit
        os._exit(outcome)

    _, pid = groups.start(probe, rules=(devices.ALL,))
    assert _status(pid) == 0b1100


def test_a_path_must_stay_below_the_trees():
    """A group's name is no way to another one."""
    for path in ("", "/x", "../x", "a/../../b", "a//b", "a/./b"):
        with pytest.raises(EngineError):
            group.prepare(path)


def _left(path: str) -> list[str]:
    return [folder for folder in detect().folders(path) if Path(folder).exists()]


def _settle(path: str) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if control.processes(path) and _entered(path):
                return
        except OSError:
            pass
        time.sleep(0.005)


def _entered(path: str) -> bool:
    pid = control.processes(path)[0]
    groups = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return sum(path in line for line in groups) == len(detect().folders(path))
