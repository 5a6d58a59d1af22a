"""What the death of a supervisor leaves to do: finding a process again, killing one that nobody knows."""

import os

from runtime.cgroup import control, group
from runtime.supervisor.services import Services
from runtime.syscall.process import start_time
from schemas.engine.bundle import Bundle
from schemas.engine.records import ContainerRecord


def find_process(record: ContainerRecord, bundle: Bundle, services: Services) -> int | None:
    """Return the pidfd of a container's process, held from now on; None when it is gone.

    A pid alone may be another process's by now. It is ours when boot id and start time are those that
    were recorded; the pidfd is opened first, so it stays what was checked.
    """
    held = services.custody.get(f"pidfd:{record.id}")
    if held is not None:
        return held
    pid, started, boot = services.chronicle.identity(record.id)
    if boot != services.boot or pid <= 0:
        return None
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:
        is_same = start_time(pid) == started
        if is_same and bundle.network == "sandbox" and services.custody.get(f"sandbox:{record.id}") is None:
            namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            services.custody.hold(f"sandbox:{record.id}", namespace)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        # It ended while we looked; a zombie has no namespaces any more.
        is_same = False
    if not is_same:
        os.close(pidfd)
        return None
    services.custody.hold(f"pidfd:{record.id}", pidfd)
    return pidfd


def clear_group(path: str) -> None:
    """Kill every process of a container's control group and remove the group, so that the next start makes it anew.

    Left in one that was killed, a start would fail: since `cgroup.kill` counts its uses (Linux 6.14), a
    child that clone3 puts into such a group (CLONE_INTO_CGROUP) is taken for one that slipped through
    the kill, and killed at once. Raises SyscallError when they do not die within 2 s.
    """
    control.kill(path)
    group.remove(path)
