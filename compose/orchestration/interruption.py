"""Ctrl-C, as the executor sees it: nothing new is started, what is in flight finishes."""

from collections.abc import Callable


class Interruption:
    """A flag that wakes whoever waits. `set` may be called from a signal handler."""

    def __init__(self) -> None:
        self._is_set = False
        self._wakers: list[Callable[[], None]] = []

    @property
    def is_set(self) -> bool:
        """Whether the user asked to stop."""
        return self._is_set

    def set(self) -> None:
        """Ask to stop. Again is no error."""
        self._is_set = True
        for wake in tuple(self._wakers):
            wake()

    def on_set(self, wake: Callable[[], None]) -> None:
        """Call `wake` when it happens: short, without locks, since it runs inside the handler."""
        self._wakers.append(wake)

    def forget(self, wake: Callable[[], None]) -> None:
        """Take back `on_set`."""
        self._wakers.remove(wake)
