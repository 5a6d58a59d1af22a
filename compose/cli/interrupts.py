"""Ctrl-C while a plan runs: once lets what is in flight finish, twice ends the program."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from compose.orchestration.interruption import Interruption


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Give the executor an Interruption that SIGINT and SIGTERM set; the second one is a KeyboardInterrupt."""
    interruption = Interruption()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if interruption.is_set:
            raise KeyboardInterrupt
        interruption.set()

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
