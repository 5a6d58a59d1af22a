"""The account of a build, step by step, in BuildKit's words."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.api import BuildListener
from runtime.errors import Cancelled, EngineError, ErrorSet
from schemas.engine.builds import BuildEvent, BuildStage

_LAST_OUTPUT = 8192
"""Characters of a step's output that an error may show."""


class Telling:
    """Numbers the steps of a build in the order in which they begin."""

    def __init__(self, listener: BuildListener | None) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._count = 0

    @contextmanager
    def step(self, title: str) -> "Iterator[Step]":
        """Tell of a step from its beginning to its end, whatever that is."""
        with self._lock:
            self._count += 1
            step = Step(self._listener, self._count, title)
        step.tell(BuildStage.STARTED)
        try:
            yield step
        except (Cancelled, KeyboardInterrupt):
            step.tell(BuildStage.CANCELED)
            raise
        except EngineError as error:
            step.tell(BuildStage.FAILED, _reason(error))
            raise
        step.tell(BuildStage.CACHED if step.is_cached else BuildStage.DONE)


def _reason(error: EngineError) -> str:
    """One line of progress; all that was found is told at the end, with its lines."""
    if not isinstance(error, ErrorSet):
        return error.message
    first, *others = error.errors
    return f"{first.message} (and {len(others)} more)"


class Step:
    """One step, while it goes on."""

    def __init__(self, listener: BuildListener | None, number: int, title: str) -> None:
        self._listener = listener
        self._number = number
        self._title = title
        self._began_s = time.monotonic()
        self._last = ""
        self.is_cached = False

    @property
    def last_output(self) -> str:
        """The end of what it said."""
        return self._last

    def output(self, _stream: str, data: bytes) -> None:
        """Take what a program wrote."""
        self.say(data.decode("utf-8", "replace"))

    def say(self, text: str) -> None:
        """Tell what it says."""
        self._last = (self._last + text)[-_LAST_OUTPUT:]
        self.tell(BuildStage.OUTPUT, text)

    def tell(self, stage: BuildStage, text: str = "") -> None:
        """Tell what happened."""
        if self._listener is not None:
            elapsed = time.monotonic() - self._began_s
            self._listener.on(BuildEvent(self._number, self._title, stage, text, elapsed))
