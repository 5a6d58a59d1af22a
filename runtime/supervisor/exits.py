"""How a process ended, whoever its parent is.

Ours: waitid with WNOWAIT, so that the kernel keeps the status until it is recorded. Orphaned to the
keeper: the keeper reports it. Anybody else's: a zombie shows it in /proc/<pid>/stat; once it is reaped the
kernel tells it to whoever held a pidfd across the end (PIDFD_GET_INFO, Linux 6.15).
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from runtime.syscall.process import exit_status

LOST_EXIT_CODE = 255
_CORE_DUMP = 0x80


class Exit(NamedTuple):
    """A wait status, and whether the process has still to be reaped by us."""

    status: int
    ours: bool

    @property
    def code(self) -> int:
        """The shell's exit code: 128 and the number for a signal."""
        return exit_code(self.status)


def exit_code(status: int) -> int:
    """Return 0 to 255 for a wait status: 128 and the number for a signal."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def find_exit(pid: int, pidfd: int, reported: Mapping[int, int]) -> Exit | None:
    """Return how a process ended; None while it runs, or while nobody has reaped it yet.

    `reported` are the keeper's wait statuses by pid.
    """
    try:
        result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        if pid in reported:
            return Exit(reported[pid], ours=False)
        status = exit_status(pidfd)
        if status is None:
            status = _status_of_zombie(pid, pidfd)
        return None if status is None else Exit(status, ours=False)
    if result is None:
        return None
    if result.si_code == os.CLD_EXITED:
        return Exit(result.si_status << 8, ours=True)
    dumped = _CORE_DUMP if result.si_code == os.CLD_DUMPED else 0
    return Exit(result.si_status | dumped, ours=True)


def reap(pidfd: int) -> None:
    """Let the kernel forget a child that ended."""
    with suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)


def _status_of_zombie(pid: int, pidfd: int) -> int | None:
    """Return the wait status of a process that ended and waits to be reaped by its parent, else None."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state, *fields = file.read().rpartition(b")")[2].split()
        with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
            # Still the process of the pidfd after the look: -1 once it is reaped.
            is_same = f"Pid:\t{pid}\n" in file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[-1]) if state == b"Z" and is_same else None
