"""Output as it comes, over rotations and restarts, until the container has ended."""

import os
import select
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from runtime.errors import NotFound
from runtime.logs.index import Generation, generations
from runtime.logs.inotify import FolderWatch
from runtime.logs.reader import History, assemble
from schemas.engine.records import LogLine

BATCH_LINES = 2000
"""As many lines `read` returns at most, so that a large log does not fill the memory."""


class Follower:
    """runtime.api.LogFollower on a log folder.

    `may_continue` says whether the container can still print something: it runs, will run again, or
    has yet to be started. It is asked when there is nothing to read; the end of the process changes
    the folder, so that the question comes up in time.
    """

    def __init__(
        self, folder: Path, may_continue: Callable[[], bool], *, tail: int | None = None, since_ns: int = 0
    ) -> None:
        folder.mkdir(mode=0o710, parents=True, exist_ok=True)
        self._folder = folder
        self._may_continue = may_continue
        # The watch first: what comes after the look at the files is then reported.
        self._watch = FolderWatch(folder)
        self._more = os.eventfd(1, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.epoll()
        self._poll.register(self._watch.fileno(), select.EPOLLIN)
        self._poll.register(self._more, select.EPOLLIN)
        self._history = History(folder)
        self._assembler = self._history.assembler
        self._generation = self._history.generations[-1] if self._history.generations else Generation(folder, 0)
        self._position = len(self._generation)
        self._source = self._all(tail, since_ns)
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether nothing more can come and all has been read."""
        return self._ended

    def fileno(self) -> int:
        """Return a descriptor that is readable when `read` may have something."""
        return self._poll.fileno()

    def read(self) -> list[LogLine]:
        """Return the new lines, perhaps none; never waits."""
        if self._ended:
            return []
        self._watch.clear()
        # Asked before the files are looked at: what an ended process printed is in them by then.
        lines = list(islice(self._source, BATCH_LINES))
        if len(lines) < BATCH_LINES:
            going_on = self._asked()
            self._source = self._new()
            lines.extend(islice(self._source, BATCH_LINES))
            if len(lines) < BATCH_LINES:
                self._rest()
                if not going_on:
                    self._ended = True
                    lines.extend(self._assembler.flush())
                return lines
        self._wake()
        return lines

    def close(self) -> None:
        """Release the descriptors. Idempotent."""
        if not self._poll.closed:
            self._poll.close()
            os.close(self._more)
            self._watch.close()
            self._history.close()
            self._generation.close()

    def _asked(self) -> bool:
        try:
            return self._may_continue()
        except NotFound:
            # Removed, with its log: there is nothing left to wait for.
            return False

    def _all(self, tail: int | None, since_ns: int) -> Iterator[LogLine]:
        yield from self._history.lines(tail=tail, since_ns=since_ns, until_ns=0, flush=False)

    def _new(self) -> Iterator[LogLine]:
        while True:
            self._generation.refresh()
            while self._position < len(self._generation):
                record = self._generation[self._position]
                self._position += 1
                yield from assemble(self._assembler, self._generation, record)
            following = [number for number in generations(self._folder) if number > self._generation.number]
            if not following:
                return
            # The writer may have added to the old one just before it made the new one.
            self._generation.refresh()
            if self._position == len(self._generation):
                self._generation.close()
                self._generation, self._position = Generation(self._folder, following[0]), 0

    def _rest(self) -> None:
        try:
            os.eventfd_read(self._more)
        except BlockingIOError:
            return

    def _wake(self) -> None:
        os.eventfd_write(self._more, 1)
