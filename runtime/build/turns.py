"""Steps that several builds at the same time want: one does it, the others wait and take what it made.

Two services with the same Dockerfile and different targets or arguments have most of their steps in common. Done twice,
these would take twice the work, and the images would share no layer.
"""

import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Turn:
    """A step that somebody does or waits for: a lock that can be waited for until a build is cancelled."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(1, os.EFD_CLOEXEC | os.EFD_NONBLOCK | os.EFD_SEMAPHORE)
        self.users = 0
        self.is_done = False
        """Whether one of the builds of this time has done it."""

    def take(self, cancelled: int | None) -> None:
        """Wait until nobody else does it. Raises KeyboardInterrupt once the descriptor `cancelled` is readable."""
        poll = select.poll()
        for descriptor in (self._descriptor, *([] if cancelled is None else [cancelled])):
            poll.register(descriptor, select.POLLIN)
        while True:
            if cancelled in {descriptor for descriptor, _ in poll.poll()}:
                raise KeyboardInterrupt
            with suppress(BlockingIOError):  # another one was faster
                os.eventfd_read(self._descriptor)
                return

    def pass_on(self) -> None:
        """Let the next one do it."""
        os.eventfd_write(self._descriptor, 1)

    def close(self) -> None:
        """Release the descriptor."""
        os.close(self._descriptor)


class Turns:
    """Who does a step now, by its key. Every method may be called from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._builds = 0
        self._turns: dict[str, Turn] = {}
        self._done: set[str] = set()

    @contextmanager
    def build(self) -> Iterator[None]:
        """Be one of the builds of this time. With the last of them what was done is forgotten."""
        with self._lock:
            self._builds += 1
        try:
            yield
        finally:
            with self._lock:
                self._builds -= 1
                if not self._builds:
                    self._done.clear()

    @contextmanager
    def step(self, key: str, cancelled: int | None = None) -> Iterator[Turn]:
        """Be the one who does a step; who has done it says so by `is_done`. Raises as `Turn.take`."""
        turn = self._join(key)
        try:
            turn.take(cancelled)
            try:
                turn.is_done = turn.is_done or key in self._done
                yield turn
            finally:
                turn.pass_on()
        finally:
            self._leave(key, turn)

    def _join(self, key: str) -> Turn:
        with self._lock:
            if key not in self._turns:
                self._turns[key] = Turn()
            turn = self._turns[key]
            turn.users += 1
            return turn

    def _leave(self, key: str, turn: Turn) -> None:
        with self._lock:
            turn.users -= 1
            if turn.is_done and self._builds:
                self._done.add(key)
            if not turn.users:
                del self._turns[key]
                turn.close()
