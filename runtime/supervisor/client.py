"""The client of a project's supervisor.

Every call takes a connection of its own from a pool: connecting costs 30 µs, so threads need no
dispatcher between them, a call that waits for minutes blocks nobody, and an interrupted one is simply
closed. When the supervisor dies during a call, what is safe to ask twice is asked again: its successor
listens on the same socket within milliseconds.
"""

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from runtime.errors import EngineError, Unavailable
from runtime.paths import Paths
from runtime.supervisor import protocol
from runtime.supervisor.channel import MAXIMUM_DESCRIPTORS, receive, send, widen
from runtime.supervisor.protocol import Answer, Incoming, Request, decode_incoming, encode_request, raise_if_refused
from runtime.supervisor.sessions import Attachment, Events, ExecProcess
from runtime.supervisor.spawn import Address, collect_orphans, connect, start_pair
from schemas.engine.specs import ExecSpec

ATTEMPTS = 20
"""How often a request is asked again when supervisors keep dying under it."""
_IDEMPOTENT = (
    protocol.Ping,
    protocol.Sandbox,
    protocol.HasSandbox,
    protocol.Reserve,
    protocol.Start,
    protocol.Stop,
    protocol.Wait,
    protocol.Attach,
    protocol.Subscribe,
    protocol.Forget,
)


class Connection:
    """One connection, used by one thread at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._number = 0
        widen(sock)

    def ask(self, request: Request, descriptors: Sequence[int] = ()) -> tuple[Answer, list[int]]:
        """Send a request and wait for its answer. Raises EOFError when the supervisor dies meanwhile."""
        self._number += 1
        try:
            send(self.socket, encode_request(self._number, request), descriptors)
        except ConnectionError as error:
            raise EOFError from error
        while True:
            incoming, given = self.receive()
            if incoming.answer is not None and incoming.number == self._number:
                return incoming.answer, given

    def receive(self) -> tuple[Incoming, list[int]]:
        """Return what comes next. Raises EOFError, BlockingIOError on a non-blocking socket."""
        packet, descriptors = receive(self.socket)
        return decode_incoming(packet), descriptors

    def close(self) -> None:
        """Close it. Idempotent."""
        self.socket.close()


class SupervisorClient:
    """Calls to the supervisor of one project; any number of threads at once."""

    def __init__(self, paths: Paths, project: str) -> None:
        self._address = Address(paths, project)
        self._lock = threading.Lock()
        self._free: list[Connection] = []

    def start_early(self) -> None:
        """Start the pair unless it runs, and do not wait for it. Never fails: the first call will say why.

        The connection serves the first call. When none comes, its end tells the supervisor to leave.
        """
        try:
            start_pair(self._address)
            sock = connect(self._address, start=False)
        except (OSError, EngineError):
            return
        if sock is not None:
            with self._lock:
                self._free.append(Connection(sock))

    def connect(self, *, start: bool = True) -> bool:
        """Make sure that the supervisor answers; return whether it does. Raises Unavailable with `start`."""
        return self._ask(protocol.Ping(), start=start) is not None

    def ping(self) -> int:
        """Return the supervisor's pid."""
        return self._call(protocol.Ping()).pid

    def sandbox(self, container_id: str, namespace: int) -> None:
        """Have a container's network namespace kept."""
        self._call(protocol.Sandbox(container_id), [namespace])

    def has_sandbox(self, container_id: str) -> bool:
        """Whether a container's network namespace is kept."""
        return self._call(protocol.HasSandbox(container_id)).present

    def reserve(self, container_id: str, sockets: Sequence[int]) -> None:
        """Have sockets held for as long as the container runs. Raises InvalidArgument for too many."""
        if len(sockets) > MAXIMUM_DESCRIPTORS:
            # One range of ports can be thousands: what is beyond the limit of one packet is not held.
            sockets = sockets[:MAXIMUM_DESCRIPTORS]
        self._call(protocol.Reserve(container_id), sockets)

    def start(self, container_id: str) -> None:
        """Start a container; return when its program runs. Idempotent. Raises StartFailed, FailedPrecondition."""
        self._call(protocol.Start(container_id))

    def stop(self, container_id: str, *, signal: str = "SIGTERM", timeout_s: float = 10.0) -> int:
        """Signal, wait, kill; return the exit code when it has ended. Idempotent."""
        return self._call(protocol.Stop(container_id, signal, timeout_s)).exit_code

    def kill(self, container_id: str, signal: str = "SIGKILL") -> None:
        """Send a signal. Raises FailedPrecondition when it does not run."""
        self._call(protocol.Kill(container_id, signal))

    def pause(self, container_id: str) -> None:
        """Freeze a container's processes. Raises FailedPrecondition."""
        self._call(protocol.Pause(container_id))

    def unpause(self, container_id: str) -> None:
        """Thaw a container's processes. Raises FailedPrecondition."""
        self._call(protocol.Unpause(container_id))

    @contextmanager
    def paused(self, container_id: str) -> Iterator[None]:
        """Freeze a container's processes meanwhile; they run on even if this process is killed.

        Raises FailedPrecondition, Unavailable.
        """
        connection = self._connection(start=True, fresh=True)
        if connection is None:
            raise self._unavailable()
        try:
            raise_if_refused(connection.ask(protocol.Pause(container_id, meanwhile=True))[0])
            try:
                yield
            finally:
                # A container that was killed meanwhile refuses; a supervisor that died leaves it to its successor.
                with suppress(EOFError):
                    connection.ask(protocol.Unpause(container_id))
        except EOFError as error:
            self._drop_free()
            raise self._unavailable() from error
        finally:
            connection.close()

    def wait(self, container_id: str) -> int:
        """Wait for the next end of a container's process; return its exit code."""
        return self._call(protocol.Wait(container_id)).exit_code

    def forget(self, container_id: str) -> None:
        """Have everything let go that is kept for a container. Nothing to do when no supervisor runs."""
        self._ask(protocol.Forget(container_id), start=False)

    def exec(
        self, container_id: str, spec: ExecSpec, *, stdin: int | None, stdout: int | None, stderr: int | None
    ) -> ExecProcess:
        """Start a further process on the caller's descriptors. Raises FailedPrecondition, StartFailed."""
        stdio = (stdin, stdout, stderr)
        request = protocol.Exec(container_id, spec, (stdin is not None, stdout is not None, stderr is not None))
        connection = self._connection(start=True, fresh=True)
        if connection is None:
            raise self._unavailable()
        try:
            answer, given = connection.ask(request, [each for each in stdio if each is not None])
            raise_if_refused(answer)
        except EOFError as error:
            connection.close()
            self._drop_free()
            raise self._unavailable() from error
        except BaseException:
            connection.close()
            raise
        named = dict(zip(answer.given, given, strict=True))
        return ExecProcess(connection, answer.session, named["pidfd"], named.get("pty"))

    def attach(self, container_id: str) -> Attachment:
        """Get at a container's terminal, or at its input. Raises FailedPrecondition when it does not run."""
        answered = self._ask(protocol.Attach(container_id), start=True)
        if answered is None:
            raise self._unavailable()
        answer, given = answered
        named = dict(zip(answer.given, given, strict=True))
        return Attachment(named.get("output"), named.get("input"))

    def subscribe(self) -> Events:
        """Listen to the project's events, on a connection of its own, over the death of a supervisor."""
        return Events(self._subscribed)

    def close(self) -> None:
        """Close the connections that no call uses. Idempotent."""
        self._drop_free()
        collect_orphans()

    def _drop_free(self) -> None:
        with self._lock:
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    def _subscribed(self) -> Connection:
        for _ in range(ATTEMPTS):
            connection = self._connection(start=True, fresh=True)
            if connection is None:
                break
            try:
                raise_if_refused(connection.ask(protocol.Subscribe())[0])
            except EOFError:
                connection.close()
                self._drop_free()
            else:
                return connection
        raise self._unavailable()

    def _call(self, request: Request, descriptors: Sequence[int] = ()) -> Answer:
        answered = self._ask(request, descriptors, start=True)
        if answered is None:
            raise self._unavailable()
        answer, given = answered
        for descriptor in given:
            os.close(descriptor)
        return answer

    def _ask(
        self, request: Request, descriptors: Sequence[int] = (), *, start: bool
    ) -> tuple[Answer, list[int]] | None:
        """Return the answer, or None when no supervisor runs and none is to be started."""
        for _ in range(ATTEMPTS):
            is_idempotent = isinstance(request, _IDEMPOTENT)
            connection = self._connection(start=start, fresh=not is_idempotent)
            if connection is None:
                return None
            try:
                answer, given = connection.ask(request, descriptors)
            except EOFError:
                connection.close()
                # They all lead to the supervisor that died.
                self._drop_free()
                if not is_idempotent:
                    break
                continue
            except BaseException:
                # An answer may still come: nobody else may take it for theirs.
                connection.close()
                raise
            with self._lock:
                self._free.append(connection)
            raise_if_refused(answer)
            return answer, given
        raise self._unavailable()

    def _connection(self, *, start: bool, fresh: bool = False) -> Connection | None:
        """Return a connection; a `fresh` one does not lead to a supervisor that has died since."""
        with self._lock:
            if self._free and not fresh:
                return self._free.pop()
        collect_orphans()
        sock = connect(self._address, start=start)
        return None if sock is None else Connection(sock)

    def _unavailable(self) -> Unavailable:
        return Unavailable(
            f"the supervisor of project `{self._address.project}` died during the call",
            hint=f"try again; `{self._address.log}` may say why",
        )


class Supervisors:
    """The clients of all projects that a command has to do with, one each; any number of threads."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self._clients: dict[str, SupervisorClient] = {}

    def of(self, project: str) -> SupervisorClient:
        """Return the client of a project's supervisor; it connects when it is first asked something."""
        with self._lock:
            client = self._clients.get(project)
            if client is None:
                client = self._clients[project] = SupervisorClient(self._paths, project)
            return client

    def close(self) -> None:
        """Close every client's connections. Idempotent."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()
