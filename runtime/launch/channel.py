"""The whole protocol between the parent and a starting child, over a socket pair of packets.

The child sends, in this order: at most one TERMINAL with the master's descriptor, one READY, and
then either nothing, so that the end of the stream by close-on-exec says that execve succeeded, or
FAILED. An end without READY is a child that was killed.
"""

import contextlib
import os
import socket

from runtime.errors import EngineError, StartFailed
from schemas.dataclass import dataclass

_TERMINAL = b"T"
_READY = b"R"
_FAILED = b"F"
_MOST_BYTES = 1 << 16
_UNKNOWN_FAILURE = 128


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the child could not become the program."""

    message: str
    exit_code: int
    hint: str


class ChildEnd:
    """What the child holds. Its methods neither import nor wait."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def send_terminal(self, master: int) -> None:
        """Give the terminal's master to the parent."""
        with socket.socket(fileno=os.dup(self.descriptor)) as channel:
            socket.send_fds(channel, [_TERMINAL], [master])

    def send_ready(self) -> None:
        """Say that only giving up rights and execve are left. Raises BrokenPipeError when nobody listens."""
        os.write(self.descriptor, _READY)

    def send_failure(self, error: BaseException) -> int:
        """Report an error and return the exit code to end with."""
        code = error.exit_code if isinstance(error, StartFailed) else _UNKNOWN_FAILURE
        hint = error.hint if isinstance(error, EngineError) else ""
        message = str(error) or type(error).__name__
        if not isinstance(error, EngineError):
            message = f"{type(error).__name__}: {message}"
        packet = b"\0".join((b"%d" % code, message.encode(errors="replace"), hint.encode(errors="replace")))
        with contextlib.suppress(OSError):
            os.write(self.descriptor, (_FAILED + packet)[:_MOST_BYTES])
        return code


class ParentEnd:
    """What the parent holds and polls."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.is_ready = False
        self.terminal: int | None = None
        self.failure: Failure | None = None

    def receive(self) -> bool:
        """Take in what has come, without waiting; return true at the end of the stream."""
        while True:
            try:
                # The socket does not block: recv_fds takes flags like MSG_DONTWAIT but drops them.
                packet, descriptors, _, _ = socket.recv_fds(self.channel, _MOST_BYTES, 1)
            except BlockingIOError:
                return False
            except ConnectionResetError:
                packet, descriptors = b"", []
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)
                self.terminal = descriptor
            if not packet:
                return True
            if packet[:1] == _READY:
                self.is_ready = True
            elif packet[:1] == _FAILED:
                code, message, hint = packet[1:].split(b"\0", 2)
                self.failure = Failure(message.decode(), int(code), hint.decode())


def open_channel() -> tuple[ParentEnd, ChildEnd]:
    """Return both ends, close-on-exec."""
    parent, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    parent.setblocking(False)
    return ParentEnd(parent), ChildEnd(child.detach())
