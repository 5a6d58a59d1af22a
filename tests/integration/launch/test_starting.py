"""The parent's side of a start: several at once, cancelled ones, killed ones, and a parent that dies."""

import os
import select
import signal
import time
from pathlib import Path

import pytest

from runtime.cgroup import control
from runtime.errors import StartFailed
from runtime.launch import launcher
from runtime.launch.stdio import LaunchStdio
from schemas.engine.bundle import BundleMount
from schemas.engine.specs import Resources
from tests.integration.launch.containers import TIMEOUT_S, Containers, wait_for

MIB = 1 << 20


def _descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def test_many_starts_must_run_side_by_side(containers: Containers):
    """One poller, a dozen containers on their way, each in namespaces and groups of its own."""
    poller = select.poll()
    pending: dict[int, launcher.PendingLaunch] = {}
    started: list[launcher.Launched] = []
    bundles = [containers.bundle("sleep", "60") for _ in range(12)]
    for bundle in bundles:
        containers.keep(bundle.cgroup_path)
        launch = launcher.start(bundle, LaunchStdio(), sandbox_fd=None)
        pending[launch.fileno()] = launch
        poller.register(launch, select.POLLIN)
    while pending:
        ready = poller.poll(TIMEOUT_S * 1000)
        assert ready
        for descriptor, _ in ready:
            launched = pending[descriptor].advance()
            if launched is not None:
                poller.unregister(descriptor)
                del pending[descriptor]
                started.append(launched)
    names = {str(Path(f"/proc/{launched.pid}/ns/pid").readlink()) for launched in started}
    assert len(names) == 12
    assert all(control.is_populated(bundle.cgroup_path) for bundle in bundles)
    for bundle, launched in zip(bundles, started, strict=True):
        control.kill(bundle.cgroup_path)
        os.close(launched.pidfd)
    for launched in started:
        os.waitpid(launched.pid, 0)


def test_a_start_must_not_wait(containers: Containers):
    """`start` and `advance` return at once; the work is the child's."""
    bundle = containers.bundle("true")
    containers.keep(bundle.cgroup_path)
    launch = launcher.start(bundle, LaunchStdio(), sandbox_fd=None)
    os.kill(launch.pid, signal.SIGSTOP)
    assert launch.advance() is None
    os.kill(launch.pid, signal.SIGCONT)
    launched = wait_for(launch)
    os.waitpid(launched.pid, 0)
    os.close(launched.pidfd)


def test_a_cancelled_start_must_leave_nothing(containers: Containers):
    """The child is killed and reaped, all descriptors are closed."""
    before = _descriptors()
    bundle = containers.bundle("sleep", "60")
    containers.keep(bundle.cgroup_path)
    launch = launcher.start(bundle, LaunchStdio(), sandbox_fd=None)
    launch.cancel()
    assert _descriptors() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(launch.pid, 0)


def test_a_failed_start_must_leave_nothing(containers: Containers):
    """The child is reaped, no descriptor stays, and the group can be used by the next start."""
    before = _descriptors()
    bundle = containers.bundle("nothing", tty=True)
    for _ in range(2):
        with pytest.raises(StartFailed, match="executable file not found"):
            containers.start(bundle)
    assert _descriptors() == before
    assert not control.is_populated(bundle.cgroup_path)


def test_a_child_that_is_killed_must_be_a_failed_start(containers: Containers):
    """Killed before it became the program, by the out-of-memory killer for one, it has not started."""
    bundle = containers.bundle("true")
    containers.keep(bundle.cgroup_path)
    launch = launcher.start(bundle, LaunchStdio(), sandbox_fd=None)
    os.kill(launch.pid, signal.SIGKILL)
    with pytest.raises(StartFailed, match="killed while it was set up"):
        wait_for(launch)


def test_a_start_must_not_go_on_without_its_parent(containers: Containers, tmp_path: Path):
    """When the supervisor dies in between, the next one starts the container again: there must not be two."""
    bundle = containers.bundle(
        "sh", "-c", "echo ran >/data/marker; sleep 60", mounts=(BundleMount("bind", "/data", str(tmp_path)),)
    )
    containers.keep(bundle.cgroup_path)
    reading, writing = os.pipe()
    middle = os.fork()
    if middle == 0:
        launch = launcher.start(bundle, LaunchStdio(), sandbox_fd=None)
        os.kill(launch.pid, signal.SIGSTOP)  # so that we are gone before it gets far
        os.write(writing, str(launch.pid).encode())
        os._exit(0)
    os.waitpid(middle, 0)
    os.kill(int(os.read(reading, 20)), signal.SIGCONT)
    os.close(reading)
    os.close(writing)
    deadline = time.monotonic() + 5
    while control.is_populated(bundle.cgroup_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not control.is_populated(bundle.cgroup_path)
    assert not (tmp_path / "marker").exists()


def test_a_restart_must_find_what_the_container_wrote(containers: Containers):
    """The same bundle starts again on the same upper folder and the same group."""
    bundle = containers.bundle("sh", "-c", "echo again >>/count; wc -l </count; ls -a / | grep -c docker")
    outputs = [containers.start(bundle).wait().lines for _ in range(3)]
    assert outputs == [["1", "1"], ["2", "1"], ["3", "1"]]


def test_dockers_smallest_limits_must_be_enough(containers: Containers):
    """6 MiB of memory and one process: what the launcher itself needs fits in."""
    limits = Resources(memory_bytes=6 * MIB, memory_swap_bytes=6 * MIB, pids_limit=1, cpus=0.2)
    assert containers.run("true", resources=limits).code == 0


def test_limits_must_hold_in_the_container(containers: Containers):
    """Too much memory ends in a kill that is counted, too many processes in an error."""
    bundle = containers.bundle("sh", "-c", "tail /dev/zero", resources=Resources(memory_bytes=16 * MIB))
    assert containers.start(bundle).wait().code in (1, 137)
    assert control.oom_kills(bundle.cgroup_path) >= 1
    ended = containers.shell("for i in 1 2 3 4 5 6; do sleep 1 & done; echo all", resources=Resources(pids_limit=4))
    assert "all" not in ended.output
    assert "can't fork" in ended.output
