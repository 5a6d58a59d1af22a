"""The container of `run`, joined to the caller's standard streams."""

import signal
import threading
from contextlib import suppress

from compose.cli import terminal
from compose.cli.terminal import Relay
from compose.events import BuildProgress, EventProcessor, ProgressEvent
from runtime.api import EventStream, LogFollower, Runtime
from runtime.errors import EngineError
from schemas.engine.records import ContainerRecord, LogLine


class OneOff:
    """One container, made and not yet started."""

    def __init__(self, runtime: Runtime, record: ContainerRecord) -> None:
        self._runtime = runtime
        self._record = record

    def start(self) -> None:
        """Start it. Raises StartFailed."""
        self._runtime.start_container(self._record.id)

    def converse(self) -> int:
        """Join it to the user's terminal until it ends; return its exit code. Raises StartFailed."""
        self.start()
        try:
            session = self._runtime.attach(self._record.id)
        except EngineError:
            # It has ended already.
            return self._print_all()
        try:
            assert session.output_fd is not None  # noqa: S101 - for mypy: it was made with a terminal
            assert session.input_fd is not None  # noqa: S101 - likewise
            return terminal.converse(session.output_fd, session.input_fd, session.resize, self._wait)
        finally:
            session.close()

    def relay(self, *, interactive: bool) -> int:
        """Carry its input and output, standard error apart, until it ends; return its exit code.

        Every byte passes as it is; what it prints is read from its log, so that none is missed.
        """
        events = self._runtime.subscribe(self._record.spec.project)
        follower = self._runtime.follow_logs(self._record.id)
        relay = Relay()
        try:
            relay.listen(follower.fileno(), lambda: _carry(follower, relay))
            # A program that prints nothing changes no log: its end is told by the event alone.
            _listen(relay, events, follower)
            with terminal.forwarding(self._forward):
                self.start()
                if interactive:
                    self._feed(relay)
                relay.run()
        finally:
            follower.close()
            events.close()
        return self._wait()

    def _feed(self, relay: Relay) -> None:
        try:
            session = self._runtime.attach(self._record.id)
        except EngineError:
            # It has ended already and reads nothing.
            return
        if session.input_fd is not None:
            relay.feed(0, session.input_fd, session.close_input)

    def _wait(self) -> int:
        return self._runtime.wait_container(self._record.id)

    def _forward(self, number: int) -> None:
        # On a thread of its own: a handler may not take locks that the interrupted code holds.
        threading.Thread(target=self._signal, args=(number,), daemon=True).start()

    def _signal(self, number: int) -> None:
        with suppress(EngineError):
            self._runtime.kill_container(self._record.id, signal.Signals(number).name)

    def _print_all(self) -> int:
        for line in self._runtime.logs(self._record.id):
            terminal.write_all(1, _bytes_of(line))
        return self._wait()


class Unmentioned:
    """An EventProcessor that leaves out the resources with a certain beginning."""

    def __init__(self, events: EventProcessor, beginning: str) -> None:
        self._events = events
        self._beginning = beginning

    def start(self, title: str) -> None:
        """Begin."""
        self._events.start(title)

    def on(self, event: ProgressEvent | BuildProgress) -> None:
        """Show the event, unless it is about what is left out."""
        if isinstance(event, BuildProgress) or not event.resource.startswith(self._beginning):
            self._events.on(event)

    def done(self, *, success: bool) -> None:
        """End."""
        self._events.done(success=success)


def _listen(relay: Relay, events: EventStream, follower: LogFollower) -> None:
    descriptor = events.fileno()

    def look() -> bool:
        while events.read(0) is not None:
            _carry(follower, relay)
        if events.fileno() == descriptor:
            return True
        _listen(relay, events, follower)
        return False

    relay.listen(descriptor, look)


def _carry(follower: LogFollower, relay: Relay) -> bool:
    for line in follower.read():
        stream = 2 if line.stream == "stderr" else 1
        terminal.write_all(stream, _bytes_of(line))
    if follower.ended:
        relay.finish()
    return not follower.ended


def _bytes_of(line: LogLine) -> bytes:
    """Return what the program wrote; the last line may lack its end."""
    return line.data if line.partial or line.unterminated else line.data + b"\n"
