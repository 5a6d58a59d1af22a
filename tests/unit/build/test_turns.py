"""Builds that go on at the same time do once what they have in common."""

import os
import threading
import time
from pathlib import Path

import pytest

from runtime.build.turns import Turns


def test_the_second_must_wait_for_the_first_and_be_told_that_it_was_done():
    """As long as a build goes on; the next build asks anew."""
    turns, seen = Turns(), []
    begun, release = threading.Event(), threading.Event()

    def first() -> None:
        with turns.build(), turns.step("key") as turn:
            begun.set()
            release.wait(10)
            turn.is_done = True

    with turns.build():
        thread = threading.Thread(target=first)
        thread.start()
        begun.wait(10)
        waiting = threading.Thread(target=lambda: _look(turns, seen))
        waiting.start()
        with turns.step("another") as turn:
            assert not turn.is_done
        assert seen == []
        release.set()
        thread.join(10)
        waiting.join(10)
        assert seen == [True]
        _look(turns, seen)
        assert seen == [True, True]
    with turns.build():
        _look(turns, seen)
    assert seen == [True, True, False]


def test_a_failure_must_leave_the_step_to_the_next():
    """Who waited does it itself."""
    turns = Turns()
    with turns.build():
        with pytest.raises(ZeroDivisionError), turns.step("key"):
            raise ZeroDivisionError
        with turns.step("key") as turn:
            assert not turn.is_done


def test_waiting_must_end_when_the_build_is_cancelled():
    """However long the other one takes. Nothing is left open."""
    turns = Turns()
    cancelled = os.eventfd(0)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with turns.step("key"):
        threading.Timer(0.2, os.eventfd_write, (cancelled, 1)).start()
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt), turns.step("key", cancelled):
            pytest.fail("it was not its turn")
        assert time.monotonic() - begun < 5
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    os.close(cancelled)


def _look(turns: Turns, seen: list[bool]) -> None:
    with turns.step("key") as turn:
        seen.append(turn.is_done)
