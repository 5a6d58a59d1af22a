"""What the death of a supervisor leaves to do: finding a process again, killing one that nobody knows."""

import os
from contextlib import suppress

from runtime.cgroup import control, group
from runtime.supervisor.services import Services
from runtime.syscall.process import start_time
from schemas.engine.bundle import Bundle
from schemas.engine.records import ContainerRecord


def find_process(record: ContainerRecord, bundle: Bundle, services: Services) -> int | None:
    """Return the pidfd of a container's process, held from now on; None when it is gone."""
    held = services.custody.get(f"pidfd:{record.id}")
    if held is not None:
        return held
    pidfd = open_process(record.id, services)
    if pidfd is None:
        return None
    if bundle.network == "sandbox" and services.custody.get(f"sandbox:{record.id}") is None:
        # A zombie has no namespaces any more.
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            namespace = os.open(f"/proc/{record.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            services.custody.hold(f"sandbox:{record.id}", namespace)
    services.custody.hold(f"pidfd:{record.id}", pidfd)
    return pidfd


def open_process(container_id: str, services: Services) -> int | None:
    """Return a new pidfd of a container's process; None when it is gone.

    A pid alone may be another process's by now. It is the container's when boot id and start time are those
    that were recorded; the pidfd is opened first, so it stays what was checked.
    """
    pid, started, boot = services.chronicle.identity(container_id)
    if boot != services.boot or pid <= 0:
        return None
    pidfd = -1
    try:
        pidfd = os.pidfd_open(pid)
        if start_time(pid) == started:
            return pidfd
    except (FileNotFoundError, ProcessLookupError):
        # It ended while we looked.
        pass
    if pidfd >= 0:
        os.close(pidfd)
    return None


def clear_group(path: str) -> None:
    """Kill every process of a container's control group and remove the group, so that the next start makes it anew.

    Left in one that was killed, a start would fail: since `cgroup.kill` counts its uses (Linux 6.14), a
    child that clone3 puts into such a group (CLONE_INTO_CGROUP) is taken for one that slipped through
    the kill, and killed at once. Raises SyscallError when they do not die within 2 s.
    """
    control.kill(path)
    group.remove(path)
