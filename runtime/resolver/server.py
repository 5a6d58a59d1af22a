"""The DNS server of a project's containers: answers from the zone, forwards the rest.

An object for somebody else's event loop: watch `fileno`, call `readable` when it is, and `tick` at
`deadline`. All its sockets hang on one epoll descriptor of its own, so that the loop sees one. Nothing
here waits.
"""

import select
import socket
import time
from collections.abc import Callable
from functools import partial

from runtime.resolver import codec
from runtime.resolver.codec import Query
from runtime.resolver.forwarding import Forwarding, Reply
from runtime.resolver.zone import Zone
from schemas.dataclass import dataclass

MAXIMUM_FORWARDINGS = 512
"""Queries on their way at once; further ones get SERVFAIL, so that descriptors do not run out."""
MAXIMUM_CONNECTIONS = 64
"""TCP connections of one container."""
IDLE_S = 10.0
_BURST = 64
"""Datagrams read from one socket before others have their turn."""


@dataclass(frozen=True, slots=True)
class Client:
    """A container that asks."""

    container_id: str
    udp: socket.socket
    tcp: socket.socket
    upstreams: tuple[str, ...] | Callable[[], tuple[str, ...]]
    netns_fd: int


class _Connection:
    """A TCP connection of a container."""

    def __init__(self, client: Client, connection: socket.socket) -> None:
        self.client = client
        self.socket = connection
        self.received = bytearray()
        self.deadline = time.monotonic() + IDLE_S

    def send(self, data: bytes) -> None:
        try:
            # Answers are far shorter than the buffer; a client that does not read loses the connection.
            self.socket.send(len(data).to_bytes(2, "big") + data)
        except OSError:
            self.deadline = 0.0


class Resolver:
    """One server for all containers of a project."""

    def __init__(self, zone: Zone, upstreams: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()) -> None:
        """`upstreams` are asked from the namespace this process is in, for containers without their own.

        They are given, or what gives them at the time of a query (runtime.resolver.upstreams.HostServers).
        """
        self.zone = zone
        self._upstreams = upstreams
        self._poll = select.epoll()
        self._clients: dict[str, Client] = {}
        self._udp: dict[int, Client] = {}
        self._tcp: dict[int, Client] = {}
        self._connections: dict[int, _Connection] = {}
        self._forwardings: dict[int, Forwarding] = {}

    def fileno(self) -> int:
        """Return the descriptor to watch for reading."""
        return self._poll.fileno()

    def attach(
        self,
        container_id: str,
        udp: socket.socket,
        tcp: socket.socket,
        *,
        upstreams: tuple[str, ...] = (),
        netns_fd: int = -1,
        forwards: bool = True,
    ) -> None:
        """Serve a container on its sockets, which are the resolver's from now on.

        `upstreams` (`dns`) are asked from the container's own namespace `netns_fd` (kept by the caller for
        as long). `forwards`: false for a container on internal networks alone, whose queries must not
        leave by the host (CVE-2024-29018).
        """
        self.detach(container_id)
        if upstreams:
            client = Client(container_id, udp, tcp, upstreams, netns_fd)
        else:
            client = Client(container_id, udp, tcp, self._upstreams if forwards else (), -1)
        self._clients[container_id] = client
        self._udp[udp.fileno()] = client
        self._tcp[tcp.fileno()] = client
        for each in (udp, tcp):
            each.setblocking(False)
            self._poll.register(each.fileno(), select.EPOLLIN)

    def detach(self, container_id: str) -> None:
        """Close a container's sockets and forget what it asked. Idempotent."""
        client = self._clients.pop(container_id, None)
        if client is None:
            return
        for number in [number for number, each in self._connections.items() if each.client is client]:
            self._close_connection(number)
        for number in [number for number, each in self._forwardings.items() if each.owner == container_id]:
            forwarding = self._forwardings[number]
            self._drop(number)
            forwarding.close()
        for served, which in ((self._udp, client.udp), (self._tcp, client.tcp)):
            del served[which.fileno()]
            # A duplicate elsewhere would keep it watched.
            self._poll.unregister(which.fileno())
            which.close()

    def readable(self, _: int = -1) -> None:
        """Serve whatever is ready."""
        for number, _events in self._poll.poll(0):
            if (client := self._udp.get(number)) is not None:
                self._read_datagrams(client)
            elif (client := self._tcp.get(number)) is not None:
                self._accept(client)
            elif (connection := self._connections.get(number)) is not None:
                self._read_stream(number, connection)
            elif (forwarding := self._forwardings.get(number)) is not None:
                self._advance(number, forwarding)

    def deadline(self) -> float | None:
        """Return when to call `tick`, on the monotonic clock; None while nothing is due."""
        due = [each.deadline for each in self._forwardings.values()]
        due += [each.deadline for each in self._connections.values()]
        return min(due, default=None)

    def tick(self, now: float) -> None:
        """Give up on servers that did not answer in time, and on idle connections."""
        for number, forwarding in [each for each in self._forwardings.items() if each[1].deadline <= now]:
            self._ask_next(number, forwarding)
        for number in [number for number, each in self._connections.items() if each.deadline <= now]:
            self._close_connection(number)

    def close(self) -> None:
        """Close every socket."""
        for container_id in list(self._clients):
            self.detach(container_id)
        for forwarding in self._forwardings.values():
            forwarding.close()
        self._forwardings.clear()
        self._poll.close()

    def _read_datagrams(self, client: Client) -> None:
        for _ in range(_BURST):
            try:
                data, address = client.udp.recvfrom(codec.MAXIMUM_BYTES)
            except OSError:
                return
            query = codec.parse(data)
            if query is None:
                continue
            answer = self._answer(client, data, query, query.udp_bytes)
            if answer is not None:
                _send_to(client.udp, address, answer)
            else:
                self._forward(client, data, query, partial(_send_to, client.udp, address), stream=False)

    def _accept(self, client: Client) -> None:
        try:
            accepted, _ = client.tcp.accept()
        except OSError:
            return
        if sum(each.client is client for each in self._connections.values()) >= MAXIMUM_CONNECTIONS:
            accepted.close()
            return
        accepted.setblocking(False)
        self._connections[accepted.fileno()] = _Connection(client, accepted)
        self._poll.register(accepted.fileno(), select.EPOLLIN)

    def _read_stream(self, number: int, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(codec.MAXIMUM_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        connection.received += data
        connection.deadline = time.monotonic() + IDLE_S
        while len(connection.received) >= 2:
            length = int.from_bytes(connection.received[:2], "big")
            if len(connection.received) < length + 2:
                break
            message = bytes(connection.received[2 : length + 2])
            del connection.received[: length + 2]
            if not self._answer_stream(connection, message):
                data = b""
                break
        if not data:
            self._close_connection(number)

    def _answer_stream(self, connection: _Connection, message: bytes) -> bool:
        query = codec.parse(message)
        if query is None:
            return False
        answer = self._answer(connection.client, message, query, codec.MAXIMUM_BYTES)
        if answer is not None:
            connection.send(answer)
        else:
            self._forward(connection.client, message, query, connection.send, stream=True)
        return True

    def _answer(self, client: Client, data: bytes, query: Query, limit: int) -> bytes | None:
        """Return what the zone knows, or None for a query to forward."""
        if query.kind != codec.IN:
            return None
        if query.type == codec.PTR:
            name = self.zone.reverse(client.container_id, query.name)
            return None if name is None else codec.answer(data, query, [codec.encode_name(name)], limit)
        found = self.zone.resolve(client.container_id, query.name, query.type)
        return None if found is None else codec.answer(data, query, found, limit)

    def _forward(self, client: Client, data: bytes, query: Query, reply: Reply, *, stream: bool) -> None:
        servers = client.upstreams() if callable(client.upstreams) else client.upstreams
        if not servers or len(self._forwardings) >= MAXIMUM_FORWARDINGS:
            reply(codec.failure(data, query, codec.SERVER_FAILURE))
            return
        forwarding = Forwarding(data, query, servers, reply, stream=stream)
        forwarding.owner = client.container_id
        forwarding.netns_fd = client.netns_fd
        self._ask_next(-1, forwarding)

    def _advance(self, number: int, forwarding: Forwarding) -> None:
        try:
            answered = forwarding.advance()
        except BlockingIOError:
            return
        except OSError:
            self._ask_next(number, forwarding)
            return
        if answered:
            self._drop(number)
            forwarding.close()
        else:
            self._poll.modify(number, forwarding.events)

    def _ask_next(self, number: int, forwarding: Forwarding) -> None:
        self._drop(number)
        if forwarding.ask_next() and forwarding.socket is not None:
            number = forwarding.socket.fileno()
            self._forwardings[number] = forwarding
            self._poll.register(number, forwarding.events)

    def _drop(self, number: int) -> None:
        if self._forwardings.pop(number, None) is not None:
            self._poll.unregister(number)

    def _close_connection(self, number: int) -> None:
        connection = self._connections.pop(number)
        self._poll.unregister(number)
        connection.socket.close()


def _send_to(udp: socket.socket, address: tuple[str, int], answer: bytes) -> None:
    try:
        udp.sendto(answer, address)
    except OSError:
        # Its buffer is full or the container has gone: it asks again, or nobody does.
        return
