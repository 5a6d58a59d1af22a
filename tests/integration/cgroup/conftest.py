"""A group of the test's own, with a process in it."""

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from runtime.cgroup import control, group
from runtime.cgroup.devices import DEFAULT_RULES, DeviceRule
from runtime.syscall import process
from schemas.engine.specs import Resources


class Groups:
    """Makes groups and processes in them."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._pids: list[int] = []

    def start(
        self,
        body: Callable[[str], object],
        limits: Resources | None = None,
        rules: tuple[DeviceRule, ...] = DEFAULT_RULES,
    ) -> tuple[str, int]:
        """Run `body(path)` in a child in a new group; return the group's path and the pid."""
        path = f"pycompose/test-cgroup/{uuid.uuid4().hex[:12]}"
        self._paths.append(path)
        descriptor = group.prepare(path)

        def run() -> None:
            group.configure(path, limits or Resources(), rules)
            group.enter(path)
            body(path)
            os._exit(0)

        pid, pidfd = process.clone(run, 0, descriptor)
        self._pids.append(pid)
        os.close(pidfd)
        if descriptor is not None:
            os.close(descriptor)
        return path, pid

    def close(self) -> None:
        """Kill all, reap all, remove all."""
        for path in self._paths:
            control.kill(path)
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        for path in self._paths:
            group.remove(path)


@pytest.fixture
def groups() -> Iterator[Groups]:
    """Return a maker of groups that are gone after the test."""
    made = Groups()
    yield made
    made.close()


def wait_until(question: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Wait until a question is answered with something true."""
    deadline = time.monotonic() + timeout_s
    while not question():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.005)


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., None]:
    """Return `wait_until`."""
    return wait_until
