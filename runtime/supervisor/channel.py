"""Messages with descriptors over AF_UNIX SOCK_SEQPACKET, never waiting (unix(7), SCM_RIGHTS).

One message is one packet, so there is no framing and no half message. What a slow reader does not
take is queued here up to a bound; beyond it the reader is given up.
"""

import array
import os
import socket
from collections import deque
from collections.abc import Sequence

MAXIMUM_MESSAGE_BYTES = 1 << 20
MAXIMUM_DESCRIPTORS = 250
"""The kernel takes 253 (SCM_MAX_FD)."""
QUEUED_BYTES_LIMIT = 4 << 20

_SO_SNDBUFFORCE = 32


class Overflow(Exception):
    """The other side does not read, and too much waits for it."""


class Channel:
    """One end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._queue: deque[tuple[bytes, list[int]]] = deque()
        self._queued_bytes = 0
        sock.setblocking(False)
        widen(sock)

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    @property
    def has_queued(self) -> bool:
        """Whether `flush` should be called once the socket is writable."""
        return bool(self._queue)

    def send(self, message: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send now or queue; the descriptors stay the caller's. Raises Overflow, OSError when the other end is gone."""
        if not self._queue and self._send_now(message, descriptors):
            return
        if self._queued_bytes + len(message) > QUEUED_BYTES_LIMIT:
            raise Overflow
        self._queue.append((message, [os.dup(descriptor) for descriptor in descriptors]))
        self._queued_bytes += len(message)

    def flush(self) -> None:
        """Send what was queued, as far as it goes. Raises OSError when the other end is gone."""
        while self._queue:
            message, descriptors = self._queue[0]
            if not self._send_now(message, descriptors):
                return
            self._drop_first()

    def receive(self) -> tuple[bytes, list[int]] | None:
        """Return the next message and its descriptors, close-on-exec, or None when there is none now.

        Raises EOFError when the other end is gone.
        """
        try:
            return receive(self._socket)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Close the socket and what was queued for it."""
        while self._queue:
            self._drop_first()
        self._socket.close()

    def _send_now(self, message: bytes, descriptors: Sequence[int]) -> bool:
        try:
            send(self._socket, message, descriptors)
        except BlockingIOError:
            return False
        return True

    def _drop_first(self) -> None:
        message, descriptors = self._queue.popleft()
        self._queued_bytes -= len(message)
        for descriptor in descriptors:
            os.close(descriptor)


def widen(sock: socket.socket) -> None:
    """Let one packet be as large as MAXIMUM_MESSAGE_BYTES, where the rights suffice."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, 2 * MAXIMUM_MESSAGE_BYTES)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAXIMUM_MESSAGE_BYTES)


def send(sock: socket.socket, message: bytes, descriptors: Sequence[int] = ()) -> None:
    """Send one packet. Raises BlockingIOError, OSError when the other end is gone."""
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors).tobytes())] if descriptors else []
    sock.sendmsg([message], ancillary, socket.MSG_NOSIGNAL)


def receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    """Receive one packet and its descriptors, close-on-exec.

    Raises BlockingIOError, EOFError when the other end is gone.
    """
    descriptors = array.array("i")
    try:
        # Looked at first: a buffer for the largest packet would cost a megabyte in each process.
        size = sock.recv_into(bytearray(1), 1, socket.MSG_PEEK | socket.MSG_TRUNC)
        if size == 0:
            raise EOFError
        packet, ancillary, _, _ = sock.recvmsg(
            size, socket.CMSG_SPACE(MAXIMUM_DESCRIPTORS * descriptors.itemsize), socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionError as error:
        raise EOFError from error
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return packet, list(descriptors)
