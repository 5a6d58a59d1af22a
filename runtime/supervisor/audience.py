"""Those who wait for a container's process: for its start, for its end."""

from collections.abc import Callable

from runtime.errors import EngineError

Done = Callable[[EngineError | None], None]
Ended = Callable[[int], None]


class Audience:
    """Callbacks of calls that are not answered yet; each is called once."""

    def __init__(self) -> None:
        self._starters: list[Done] = []
        self._waiters: list[Ended] = []
        self._stoppers: list[Ended] = []

    @property
    def has_stopper(self) -> bool:
        """Whether somebody has asked for the end."""
        return bool(self._stoppers)

    def add_starter(self, done: Done) -> None:
        """Have `done` called at the end of the launch."""
        self._starters.append(done)

    def add_waiter(self, ended: Ended) -> None:
        """Have `ended` called at the end of the process."""
        self._waiters.append(ended)

    def add_stopper(self, ended: Ended) -> None:
        """Have `ended` called at the end of the process, which it asked for."""
        self._stoppers.append(ended)

    def tell_started(self, error: EngineError | None) -> None:
        """Tell who waits for the start how it went."""
        starters, self._starters = self._starters, []
        for done in starters:
            done(error)

    def tell_ended(self, code: int) -> None:
        """Tell who waits for the end the exit code."""
        waiters = [*self._stoppers, *self._waiters]
        self._stoppers, self._waiters = [], []
        for ended in waiters:
            ended(code)
