"""Ctrl-C must be heard in whatever moment it comes."""

import os
import signal
import threading
import time
from queue import SimpleQueue

import pytest

from compose.cli.interrupts import interruptible


def _signal_elsewhere() -> None:
    """Have the interpreter note a signal and not wake the main thread, which waits by then."""

    def interrupt() -> None:
        time.sleep(0.2)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    threading.Thread(target=interrupt).start()


def _wait_on(inbox: SimpleQueue[str]) -> None:
    while True:
        inbox.get(timeout=10)


def test_an_interrupt_must_wake_who_is_about_to_wait():
    with interruptible() as interruption:
        inbox: SimpleQueue[str] = SimpleQueue()
        interruption.on_set(lambda: inbox.put("woken"))
        _signal_elsewhere()
        assert inbox.get(timeout=10) == "woken"
        assert interruption.is_set


def test_one_interrupt_must_count_as_one_and_the_second_end_the_program():
    with interruptible() as interruption:
        inbox: SimpleQueue[str] = SimpleQueue()
        interruption.on_set(lambda: inbox.put("woken"))
        os.kill(os.getpid(), signal.SIGTERM)
        inbox.get(timeout=10)
        _signal_elsewhere()
        with pytest.raises(KeyboardInterrupt):
            _wait_on(inbox)


def test_handlers_must_be_what_they_were_before():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    threads = threading.active_count()
    with interruptible():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert threading.active_count() == threads
    assert signal.set_wakeup_fd(-1) == -1
