"""One query on its way to the upstream servers: one after the other, until one answers.

Each attempt has a socket of its own, connected, so that the kernel drops what others send and the port
is another one each time. TCP queries go by TCP. Never waits.
"""

import errno
import select
import socket
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress

from runtime.resolver import codec, netns
from runtime.resolver.codec import Query

PORT = 53
TIMEOUT_S = 4.0
"""For one server; then the next is asked."""

Reply = Callable[[bytes], None]


class Forwarding:
    """A query that the zone does not answer."""

    def __init__(self, data: bytes, query: Query, servers: tuple[str, ...], reply: Reply, *, stream: bool) -> None:
        self._data = data
        self._query = query
        self._servers = list(servers)
        self._reply = reply
        self._stream = stream
        self._received = bytearray()
        self._sent = False
        self.owner = ""
        """The container that asks."""
        self.netns_fd = -1
        """Namespace to ask from; -1 for the host's."""
        self.socket: socket.socket | None = None
        self.deadline = 0.0

    @property
    def events(self) -> int:
        """What to watch the socket for."""
        return select.EPOLLIN if self._sent else select.EPOLLOUT

    def ask_next(self) -> bool:
        """Ask the next server; return whether one was asked. When none is left the client gets SERVFAIL."""
        self.close()
        while self._servers:
            if self._ask(self._servers.pop(0)):
                return True
        self._reply(codec.failure(self._data, self._query, codec.SERVER_FAILURE))
        return False

    def advance(self) -> bool:
        """Go on after the socket became ready; return whether the answer was given to the client.

        Raises OSError when this server cannot be asked, or does not want to answer: ask the next.
        """
        if self.socket is None:
            return False
        if not self._sent:
            self._send_stream(self.socket)
            return False
        answer = self._receive(self.socket)
        if answer is None or answer[:2] != self._data[:2]:
            return False
        code = codec.response_code(answer)
        if code in {codec.SERVER_FAILURE, codec.REFUSED} and self._servers:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "the server does not answer this")
        self._reply(answer)
        return True

    def close(self) -> None:
        """Close the socket of the current attempt."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _ask(self, server: str) -> bool:
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        kind = socket.SOCK_STREAM if self._stream else socket.SOCK_DGRAM
        try:
            with netns.inside(self.netns_fd) if self.netns_fd >= 0 else nullcontext():
                self.socket = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            self._received.clear()
            self._sent = not self._stream
            with suppress(BlockingIOError):
                self.socket.connect((server, PORT))
            if not self._stream:
                self.socket.send(self._data)
        except OSError:
            self.close()
            return False
        self.deadline = time.monotonic() + TIMEOUT_S
        return True

    def _send_stream(self, connection: socket.socket) -> None:
        if number := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(number, "connect")
        # A query is shorter than any socket's buffer, so that it is sent in one go.
        connection.send(len(self._data).to_bytes(2, "big") + self._data)
        self._sent = True

    def _receive(self, connection: socket.socket) -> bytes | None:
        try:
            data = connection.recv(codec.MAXIMUM_BYTES)
        except BlockingIOError:
            return None
        if not self._stream:
            return data
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "closed")
        self._received += data
        length = int.from_bytes(self._received[:2], "big")
        if len(self._received) < 2 or len(self._received) < length + 2:
            return None
        return bytes(self._received[2 : length + 2])
