"""What a client holds on to: processes started by exec, attached terminals, streams of events."""

import fcntl
import os
import select
import struct
import termios
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from runtime.errors import Unavailable
from runtime.supervisor.exits import LOST_EXIT_CODE, exit_code
from runtime.supervisor.protocol import Incoming
from runtime.syscall.process import exit_status, send_signal
from schemas.engine.events import EngineEvent

_WINDOW_SIZE = struct.Struct("HHHH")
_REAPED_WITHIN_S = 5.0
_POLL_S = 0.002


class Source(Protocol):
    """The connection a session lives on (runtime.supervisor.client.Connection)."""

    def receive(self) -> tuple[Incoming, list[int]]:
        """Return what comes next. Raises EOFError when the supervisor is dead."""

    def close(self) -> None:
        """Close it."""

    @property
    def socket(self) -> "HasFileno":
        """What to poll."""


class HasFileno(Protocol):
    """Anything with a descriptor."""

    def fileno(self) -> int:
        """Return it."""


class ExecProcess:
    """runtime.api.ExecSession: a process that the supervisor started for this client."""

    def __init__(self, connection: Source, session: str, pidfd: int, pty: int | None) -> None:
        self._connection = connection
        self._session = session
        self._pidfd = pidfd
        self._pty = pty
        self._code: int | None = None

    @property
    def pty_fd(self) -> int | None:
        """Master of the pseudo-terminal with a tty; the caller's to close."""
        return self._pty

    def resize(self, rows: int, columns: int) -> None:
        """Tell the terminal its size."""
        set_window_size(self._pty, rows, columns)

    def signal(self, number: int) -> None:
        """Send a signal to the process; one that has ended takes none."""
        if self._code is None:
            send_signal(self._pidfd, number)

    def wait(self) -> int:
        """Wait for the end; return the exit code, 128+n for signal n.

        The supervisor tells it. When that died, the kernel does, as soon as the process is reaped.
        """
        if self._code is None:
            self._code = self._told()
            if self._code is None:
                self._code = self._from_kernel()
            self._connection.close()
            os.close(self._pidfd)
        return self._code

    def _told(self) -> int | None:
        while True:
            try:
                incoming, _ = self._connection.receive()
            except EOFError:
                return None
            ended = incoming.exec_exit
            if ended is not None and ended.session == self._session:
                return ended.exit_code

    def _from_kernel(self) -> int:
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        poll.poll()
        deadline = time.monotonic() + _REAPED_WITHIN_S
        while (status := exit_status(self._pidfd)) is None:
            if time.monotonic() > deadline:
                return LOST_EXIT_CODE
            time.sleep(_POLL_S)
        return exit_code(status)


class Attachment:
    """runtime.api.AttachSession: the terminal or the input of a container's own process."""

    def __init__(self, output: int | None, entry: int | None) -> None:
        self._output = output
        self._input = entry

    @property
    def output_fd(self) -> int | None:
        """With a tty: what it prints, from now on."""
        return self._output

    @property
    def input_fd(self) -> int | None:
        """Where to write its input; closing it ends the input (without a tty). Never to be read."""
        return self._input

    def resize(self, rows: int, columns: int) -> None:
        """Tell the terminal its size."""
        set_window_size(self._input if self._output is not None else None, rows, columns)

    def close_input(self) -> None:
        """End the input. Idempotent."""
        if self._input is not None:
            os.close(self._input)
            self._input = None

    def close(self) -> None:
        """Let go; the process runs on. Idempotent."""
        self.close_input()
        if self._output is not None:
            os.close(self._output)
            self._output = None


class Events:
    """runtime.api.EventStream: what happens in the project, as it happens."""

    def __init__(self, subscribe: Callable[[], Source]) -> None:
        self._subscribe = subscribe
        self._connection = subscribe()
        self._queue: deque[EngineEvent] = deque()

    def fileno(self) -> int:
        """Return a descriptor that is readable when `read` may have something; it may change after a `read`."""
        return self._connection.socket.fileno()

    def read(self, timeout_s: float | None = None) -> EngineEvent | None:
        """Return the next event, or None when `timeout_s` seconds passed without one.

        After a supervisor's death it listens to the successor; what happened in between stands in the
        journal, with its sequence numbers.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            poll = select.poll()
            poll.register(self.fileno(), select.POLLIN)
            if not poll.poll(None if left_s is None else left_s * 1000):
                return None
            try:
                incoming, _ = self._connection.receive()
            except EOFError:
                self._connection.close()
                self._connection = self._subscribe()
                continue
            if incoming.event is not None:
                return incoming.event

    def close(self) -> None:
        """Stop listening. Idempotent."""
        self._connection.close()


def set_window_size(terminal: int | None, rows: int, columns: int) -> None:
    """Set a terminal's size (ioctl_tty(2), TIOCSWINSZ). Raises Unavailable without a terminal."""
    if terminal is None:
        raise Unavailable("there is no terminal to resize")
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, _WINDOW_SIZE.pack(rows, columns, 0, 0))
