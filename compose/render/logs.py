"""Lines of container output: prefixed, coloured, and otherwise byte for byte what the container wrote."""

import time
from collections.abc import Sequence
from typing import BinaryIO

from compose.render.text import escaped

# docker compose's order: cmd/formatter/colors.go.
COLOURS = tuple(f"{code}{bright}" for bright in ("", ";1") for code in (36, 33, 32, 35, 34))
_NANOSECONDS = 1_000_000_000


class LogPrinter:
    """Writes lines of several containers to a standard output and a standard error.

    `names` are the prefixes, in the order that gives them their colours. A stream is flushed when the
    other one is written to, so that the order between them holds; `flush` does it at any other time.
    """

    def __init__(
        self,
        out: BinaryIO,
        err: BinaryIO,
        names: Sequence[str],
        *,
        colour: bool = False,
        prefix: bool = True,
        timestamps: bool = False,
    ) -> None:
        self._out = out
        self._err = err
        self._current = out
        self._colour = colour
        self._prefix = prefix
        self._timestamps = timestamps
        self._names: list[str] = []
        self._prefixes: dict[str, bytes] = {}
        self._codes: dict[str, str] = {}
        self._open: dict[BinaryIO, tuple[str, str]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Learn of one more container: it gets the next colour, and the prefixes the width of the longest."""
        if name in self._codes:
            return
        self._codes[name] = COLOURS[len(self._codes) % len(COLOURS)]
        self._names.append(name)
        width = max(len(escaped(each)) for each in self._names) + 1
        self._prefixes = {each: self._painted(each, f"{escaped(each):<{width}} | ").encode() for each in self._names}

    def line(self, name: str, time_ns: int, data: bytes, *, partial: bool = False, error: bool = False) -> None:
        """Write one record; a `partial` one is continued by the next of the same container and stream."""
        stream = self._err if error else self._out
        source = (name, "stderr" if error else "stdout")
        chunk = b""
        if self._open.get(stream) != source:
            chunk = self._closing(stream) + self._beginning(name, time_ns)
        chunk += data
        if partial:
            self._open[stream] = source
        else:
            self._open.pop(stream, None)
            chunk += b"\n"
        self._write(stream, chunk)

    def exited(self, name: str, code: int, *, restarting: bool = False) -> None:
        """Write docker compose's `web-1 exited with code 0`."""
        text = f"{escaped(name)} exited with code {code}" + (" (restarting)" if restarting else "")
        self._write(self._out, self._closing(self._out) + self._painted(name, text).encode() + b"\n")

    def finish(self) -> None:
        """End lines that are still open: the last output of a container may lack its line end."""
        for stream in tuple(self._open):
            self._write(stream, self._closing(stream))
        self.flush()

    def flush(self) -> None:
        """Let what was written reach its reader now."""
        self._current.flush()

    def _beginning(self, name: str, time_ns: int) -> bytes:
        prefix = self._prefixes[name] if self._prefix else b""
        return prefix + f"{rfc3339_nano(time_ns)} ".encode() if self._timestamps else prefix

    def _closing(self, stream: BinaryIO) -> bytes:
        return b"\n" if self._open.pop(stream, None) else b""

    def _painted(self, name: str, text: str) -> str:
        return f"\x1b[{self._codes[name]}m{text}\x1b[0m" if self._colour and name in self._codes else text

    def _write(self, stream: BinaryIO, chunk: bytes) -> None:
        if stream is not self._current:
            self._current.flush()
            self._current = stream
        stream.write(chunk)


def rfc3339_nano(time_ns: int) -> str:
    """Return a time as `2026-01-02T03:04:05.000000006Z`, always nine digits, as docker logs does."""
    seconds, nanoseconds = divmod(time_ns, _NANOSECONDS)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09d}Z"


def log_name(name: str, *, project: str, service: str, number: int) -> str:
    """Return what a container is called in front of its lines: `web-1`, or its name where `container_name` gave one."""
    short = f"{service}-{number}"
    return short if name == f"{project}-{short}" else name
