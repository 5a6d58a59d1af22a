"""Ctrl-C while a plan runs: once lets what is in flight finish, twice ends the program."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from compose.orchestration.interruption import Interruption

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Give the executor an Interruption that SIGINT and SIGTERM set; the second one is a KeyboardInterrupt.

    Python runs a handler between two steps of the main thread. A signal that comes when that thread is about to wait
    for a lock has been noticed and wakes nobody (`signal`, "Execution of Python signal handlers"), so the
    interpreter also writes its number to a pipe, and a thread wakes whoever waits.
    """
    interruption = Interruption()
    is_first = True

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_first
        if not is_first:
            raise KeyboardInterrupt
        is_first = False
        interruption.set()

    with _woken_by_signals(interruption):
        previous = {number: signal.signal(number, interrupt) for number in _NUMBERS}
        try:
            yield interruption
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


@contextmanager
def _woken_by_signals(interruption: Interruption) -> Iterator[None]:
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(writer, False)

    def attend() -> None:
        while numbers := os.read(reader, 64):
            if any(number in _NUMBERS for number in numbers):
                interruption.set()

    thread = threading.Thread(target=attend, name="interrupts", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
        thread.join()
        os.close(reader)
