"""The user's terminal: raw mode, its size, and bytes between it and a program in a container."""

import fcntl
import os
import select
import signal
import struct
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

CHUNK = 65536
_POLLED = select.POLLIN | select.POLLHUP | select.POLLERR
DEFAULT_SIZE = (24, 80)

Listener = Callable[[], bool]
"""Called when its descriptor is readable; false ends the listening."""


def is_terminal(descriptor: int) -> bool:
    """Whether a descriptor is a terminal; a closed one is not."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def size(descriptor: int = 1) -> tuple[int, int]:
    """Return (rows, columns) of a terminal, 24 by 80 where there is none."""
    try:
        rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(8)))
    except OSError:
        return DEFAULT_SIZE
    return (rows, columns) if rows and columns else DEFAULT_SIZE


@contextmanager
def raw(descriptor: int = 0) -> Iterator[None]:
    """Hand every key through unchanged; the old settings come back on any way out, SIGTERM and SIGHUP too."""
    if not is_terminal(descriptor):
        yield
        return
    settings = termios.tcgetattr(descriptor)
    previous = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        tty.setraw(descriptor, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, settings)
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def resizing(resize: Callable[[int, int], None], descriptor: int = 1) -> Iterator[None]:
    """Call `resize(rows, columns)` now and whenever the terminal changes its size."""

    def changed(_number: int = 0, _frame: FrameType | None = None) -> None:
        resize(*size(descriptor))

    previous = signal.signal(signal.SIGWINCH, changed)
    try:
        changed()
        yield
    finally:
        signal.signal(signal.SIGWINCH, previous)


@contextmanager
def forwarding(send: Callable[[int], None], numbers: tuple[int, ...] = (2, 15, 3, 1)) -> Iterator[None]:
    """Pass signals that reach us on to the program in the container."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        send(number)

    previous = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def converse(output: int, entry: int, resize: Callable[[int, int], None], wait: Callable[[], int]) -> int:
    """Join the user's terminal to a program's until the program ends; return its exit code.

    `output` is what it prints, `entry` where its input goes: two descriptors, which stay the caller's.
    What the program printed is shown to the end, but a background process that keeps the terminal
    open is not waited for.
    """
    codes: list[int] = []
    over, end = os.pipe()

    def watch() -> None:
        codes.append(wait())
        os.close(end)

    watcher = threading.Thread(target=watch, daemon=True)
    relay = Relay()
    os.set_blocking(output, False)
    watcher.start()
    try:
        with raw(0), resizing(resize):
            relay.copy(output, 1)
            relay.listen(over, relay.drain_and_finish)
            relay.feed(0, entry, _nothing)
            relay.run()
        watcher.join()
    finally:
        os.close(over)
    return codes[0]


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything, waiting where the descriptor is slow, non-blocking ones too."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            select.select([], [descriptor], [])


class Relay:
    """One loop that carries bytes: input into a container without ever blocking, output out of it."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._listeners: dict[int, Listener] = {}
        self._copied: set[int] = set()
        self._source = -1
        self._sink = -1
        self._pending = b""
        self._source_ended = False
        self._close_sink: Callable[[], None] = _nothing
        self._finished = False

    def listen(self, descriptor: int, listener: Listener) -> None:
        """Call `listener` whenever the descriptor is readable."""
        self._listeners[descriptor] = listener
        self._poll.register(descriptor, _POLLED)

    def copy(self, source: int, sink: int) -> None:
        """Carry all of `source` to `sink`, which may block; the relay finishes when `source` ends."""

        def carry() -> bool:
            data = _read(source)
            if data == b"":
                self.finish()
                return False
            write_all(sink, data or b"")
            return True

        self._copied.add(source)
        self.listen(source, carry)

    def feed(self, source: int, sink: int, close: Callable[[], None]) -> None:
        """Carry `source` into `sink` as fast as the program reads; `close` is called at the source's end.

        `sink` must be a descriptor of its own, not one that is listened to (os.dup serves).
        """
        os.set_blocking(sink, False)
        self._source, self._sink, self._close_sink = source, sink, close
        self._poll.register(source, _POLLED)

    def finish(self) -> None:
        """Let `run` return."""
        self._finished = True

    def drain_and_finish(self) -> bool:
        """Carry what can be read at once, then finish. Serves as a listener."""
        self._finished = True
        sources = [descriptor for descriptor in self._listeners if descriptor in self._copied]
        while readable := select.select(sources, [], [], 0)[0]:
            sources = [descriptor for descriptor in readable if self._listeners[descriptor]()]
        return False

    def run(self) -> None:
        """Carry bytes until `finish`, or until nothing is left to listen to."""
        while not self._finished and self._listeners:
            for descriptor, events in self._poll.poll():
                if descriptor in self._listeners:
                    if not self._listeners[descriptor]():
                        self._forget(descriptor)
                elif descriptor == self._source:
                    self._take_input()
                elif descriptor == self._sink:
                    self._give_input(broken=bool(events & (select.POLLERR | select.POLLNVAL)))

    def _take_input(self) -> None:
        data = _read(self._source)
        if data is not None:
            self._poll.unregister(self._source)
            self._source_ended = not data
            self._pending = data
            self._give_input(broken=False)

    def _give_input(self, *, broken: bool) -> None:
        try:
            if self._pending and not broken:
                self._pending = self._pending[os.write(self._sink, self._pending) :]
        except BlockingIOError:
            pass
        except OSError:
            broken = True
        if broken:
            # The program has closed its input: what comes now is nobody's.
            self._pending = b""
            self._source_ended = True
        if self._pending:
            self._poll.register(self._sink, select.POLLOUT)
            return
        self._forget(self._sink)
        if self._source_ended:
            self._close_sink()
        else:
            self._poll.register(self._source, _POLLED)

    def _forget(self, descriptor: int) -> None:
        self._listeners.pop(descriptor, None)
        with suppress(KeyError):
            self._poll.unregister(descriptor)


def _read(descriptor: int) -> bytes | None:
    """Return what is there, b"" at the end, None for nothing yet.

    A pseudo-terminal whose other side is closed says EIO.
    """
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _nothing() -> None:
    """Do nothing: a sink that needs no closing."""


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
