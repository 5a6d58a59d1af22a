"""Output of several containers as it comes, with their ends: `logs -f`, attached `up`, `run`."""

import select
import time
from collections.abc import Callable

from compose.render.logs import LogPrinter, log_name
from runtime.api import EventStream, LogFollower, RuntimeReader
from runtime.errors import NotFound
from schemas.engine.events import EngineEvent
from schemas.engine.records import ContainerRecord
from schemas.engine.status import ContainerStatus

OnEnd = Callable[[str, int, bool], None]
"""Called with a container's id, its exit code, and whether its policy starts it again; for all of the project."""


def prefix_of(record: ContainerRecord) -> str:
    """Return what a container is called in front of its lines."""
    spec = record.spec
    if spec.oneoff:
        return spec.name
    return log_name(spec.name, project=spec.project, service=spec.service, number=spec.number)


class Following:
    """Prints the lines of the containers it is given, and when each of them ends.

    The journal's `die` is printed after everything that the container wrote before it, and `on_end`
    is called then with the exit code.
    """

    def __init__(self, reader: RuntimeReader, printer: LogPrinter, *, apart: bool = False) -> None:
        self._reader = reader
        self._printer = printer
        self._apart = apart
        self._poll = select.poll()
        self._listeners: dict[int, Callable[[], object]] = {}
        self._followers: dict[str, LogFollower] = {}
        self._records: dict[str, ContainerRecord] = {}
        self._over_ns: dict[str, int] = {}
        """When a container was known to have ended with everything printed: an earlier start is old news."""
        self._events: EventStream | None = None
        self._accepts: Callable[[ContainerRecord], bool] = lambda _: False
        self._on_end: OnEnd = lambda _identifier, _code, _restarting: None
        self._finished = False

    def add(self, record: ContainerRecord, *, tail: int | None = None, since_ns: int = 0) -> None:
        """Follow one container. Again is no error: a container that is started once more is taken up again."""
        if record.id in self._followers:
            return
        follower = self._reader.follow_logs(record.id, tail=tail, since_ns=since_ns)
        self._records[record.id] = record
        self._followers[record.id] = follower
        self._printer.add(prefix_of(record))
        self.listen(follower.fileno(), lambda: self._read(record.id))

    def listen(self, descriptor: int, listener: Callable[[], object]) -> None:
        """Call `listener` when a descriptor is readable."""
        self._listeners[descriptor] = listener
        self._poll.register(descriptor, select.POLLIN)

    def watch(self, events: EventStream, accepts: Callable[[ContainerRecord], bool], on_end: OnEnd) -> None:
        """Take up containers that are started and accepted, and tell of those that end."""
        self._events, self._accepts, self._on_end = events, accepts, on_end
        self.listen(events.fileno(), self._read_events)

    def finish(self) -> None:
        """Let `run` return."""
        self._finished = True

    def run(self, *, until_ended: bool = True) -> None:
        """Print until `finish`; with `until_ended`, also until no container is followed any more."""
        while not self._finished and (self._followers or not until_ended):
            for descriptor, _ in self._poll.poll():
                if listener := self._listeners.get(descriptor):
                    listener()
        self._printer.finish()

    def drop_ended(self) -> None:
        """Print the rest of the containers that have no process and will get none, and follow them no longer."""
        for identifier in tuple(self._followers):
            asked_ns = time.time_ns()
            try:
                live = self._reader.container(identifier).status.is_live
            except NotFound:
                live = False
            if not live:
                self._read_all(identifier)
                if identifier in self._followers:
                    self._drop(identifier, asked_ns)

    def drain(self) -> None:
        """Print what is there, without waiting."""
        for identifier in tuple(self._followers):
            self._read_all(identifier)
        if self._events is not None:
            self._read_events()
        self._printer.finish()

    def close(self) -> None:
        """Release the descriptors."""
        for follower in self._followers.values():
            follower.close()
        self._followers.clear()

    def _read_all(self, identifier: str) -> None:
        """Print everything there is: a follower gives it in pieces."""
        while self._read(identifier):
            pass

    def _read(self, identifier: str) -> bool:
        """Print the next lines; return whether there were any."""
        follower = self._followers.get(identifier)
        if follower is None:
            return False
        asked_ns = time.time_ns()
        lines = follower.read()
        name = prefix_of(self._records[identifier])
        for line in lines:
            error = self._apart and line.stream == "stderr"
            self._printer.line(name, line.time_ns, line.data, partial=line.partial, error=error)
        self._printer.flush()
        if follower.ended:
            self._drop(identifier, asked_ns)
        return bool(lines)

    def _drop(self, identifier: str, asked_ns: int) -> None:
        self._over_ns[identifier] = asked_ns
        follower = self._followers.pop(identifier)
        descriptor = follower.fileno()
        self._poll.unregister(descriptor)
        del self._listeners[descriptor]
        follower.close()

    def _read_events(self) -> None:
        assert self._events is not None  # noqa: S101 - for mypy: called for its descriptor
        before = self._events.fileno()
        while (event := self._events.read(0)) is not None:
            if event.type == "container":
                self._take(event)
        if (now := self._events.fileno()) != before:
            # The supervisor died and has a successor.
            self._poll.unregister(before)
            del self._listeners[before]
            self.listen(now, self._read_events)

    def _take(self, event: EngineEvent) -> None:
        if event.action == "start" and event.id not in self._followers:
            # A container that is quick has ended, and is printed, before its start is read.
            if event.time_ns > self._over_ns.get(event.id, 0):
                self._begin(event)
        elif event.action == "die":
            self._end(event)

    def _begin(self, event: EngineEvent) -> None:
        try:
            record = self._reader.container(event.id)
        except NotFound:
            return
        if event.id in self._records or self._accepts(record):
            self.add(record, since_ns=event.time_ns)

    def _end(self, event: EngineEvent) -> None:
        code = int(event.attributes.get("exitCode", "0"))
        restarting = self._will_restart(event.id)
        if (record := self._records.get(event.id)) is not None:
            self._read_all(event.id)
            self._printer.exited(prefix_of(record), code, restarting=restarting)
            self._printer.flush()
        self._on_end(event.id, code, restarting)

    def _will_restart(self, identifier: str) -> bool:
        try:
            return self._reader.container(identifier).status is ContainerStatus.RESTARTING
        except NotFound:
            return False
