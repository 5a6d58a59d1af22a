"""The processes whose end matters to somebody, found by their pidfds."""

import os
import select
from collections.abc import Callable, Mapping
from contextlib import suppress

from runtime.supervisor.exits import LOST_EXIT_CODE, Exit, find_exit, reap
from runtime.supervisor.loop import Loop

_RETRY_S = 0.005
_LOST_AFTER_TRIES = 400
"""Two seconds: whoever has to reap it, the keeper or init, has done so by then, or never will."""


class ProcessWatch:
    """Waits for the end of one process; tells once, then lets go of its zombie."""

    def __init__(self, pid: int, pidfd: int, ended: Callable[[Exit], None]) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.ended = ended
        self.tries = 0


class Processes:
    """All watched processes of a supervisor, and the strays that were orphaned to it."""

    def __init__(self, loop: Loop, reported: Mapping[int, int], confirm: Callable[[int], None]) -> None:
        self._loop = loop
        self._reported = reported
        self._confirm = confirm
        self._watches: dict[int, ProcessWatch] = {}

    def watch(self, pid: int, pidfd: int, ended: Callable[[Exit], None]) -> None:
        """Call `ended` when the process has; the pidfd stays the caller's, open until then or `unwatch`."""
        watch = self._watches[pid] = ProcessWatch(pid, pidfd, ended)
        self._loop.watch(pidfd, lambda: self._check(watch))

    def unwatch(self, pid: int) -> None:
        """Lose interest. Idempotent."""
        watch = self._watches.pop(pid, None)
        if watch is not None:
            self._loop.unwatch(watch.pidfd)

    def was_reported(self, pid: int) -> None:
        """Look at the process whose exit the keeper has just reported."""
        watch = self._watches.get(pid)
        if watch is not None:
            self._check(watch)
        else:
            self._confirm(pid)

    def confirm_strays(self) -> None:
        """Let the keeper forget the exits that nobody here waits for."""
        for pid in [pid for pid in self._reported if pid not in self._watches]:
            self._confirm(pid)

    def sweep(self) -> None:
        """Reap what was orphaned to us and is nobody's. Call when no launch is under way."""
        with suppress(ChildProcessError):
            while True:
                result = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if result is None:
                    return
                watch = self._watches.get(result.si_pid)
                if watch is None:
                    os.waitpid(result.si_pid, os.WNOHANG)
                elif not self._check(watch):
                    return

    def _check(self, watch: ProcessWatch) -> bool:
        if self._watches.get(watch.pid) is not watch:
            return False
        found = find_exit(watch.pid, watch.pidfd, self._reported)
        if found is None and has_ended(watch.pidfd):
            watch.tries += 1
            if watch.tries < _LOST_AFTER_TRIES:
                # Dead, and not yet reaped by its parent, which is not us.
                self._loop.unwatch(watch.pidfd)
                self._loop.after(_RETRY_S, lambda: self._check(watch))
                return False
            found = Exit(LOST_EXIT_CODE << 8, ours=False)
        if found is None:
            return False
        self.unwatch(watch.pid)
        # Recorded first, reaped after: a SIGKILL in between finds the zombie and its status still there.
        watch.ended(found)
        if found.ours:
            reap(watch.pidfd)
        self._confirm(watch.pid)
        return True


def has_ended(pidfd: int) -> bool:
    """Whether the process of a pidfd is dead, reaped or not."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))
