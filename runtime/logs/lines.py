"""Pieces of output to lines: the end of one piece is rarely the end of a line."""

from runtime.logs.index import STREAMS
from schemas.engine.records import LogLine

PARTIAL_BYTES = 16 * 1024
"""A longer line comes in several records (moby:daemon/logger/copier.go, defaultBufSize)."""


class LineAssembler:
    """Collects the pieces of each stream; a line has the time of the piece that ends it."""

    def __init__(self) -> None:
        self._pending: dict[int, tuple[bytes, int]] = {}

    def feed(self, stream: int, time_ns: int, data: bytes) -> list[LogLine]:
        """Add a piece; return the lines that it completes."""
        before, _ = self._pending.pop(stream, (b"", 0))
        *whole, rest = (before + data).split(b"\n")
        name = STREAMS[stream]
        lines: list[LogLine] = []
        for line in whole:
            if len(line) <= PARTIAL_BYTES:
                lines.append(LogLine(time_ns, name, line))
            else:
                parts, last = _split(line)
                lines.extend(LogLine(time_ns, name, part, partial=True) for part in parts)
                lines.append(LogLine(time_ns, name, last))
        if len(rest) > PARTIAL_BYTES:
            parts, rest = _split(rest)
            lines.extend(LogLine(time_ns, name, part, partial=True) for part in parts)
        if rest:
            self._pending[stream] = (rest, time_ns)
        return lines

    def flush(self) -> list[LogLine]:
        """Return what is left without a line end: the process has ended, no more will come."""
        lines = [
            LogLine(time_ns, STREAMS[stream], rest, unterminated=True)
            for stream, (rest, time_ns) in sorted(self._pending.items())
        ]
        self._pending.clear()
        return lines


def _split(line: bytes) -> tuple[list[bytes], bytes]:
    """Cut into full parts and a last one that is not empty."""
    cuts = range(0, len(line) - 1 if len(line) % PARTIAL_BYTES == 0 else len(line), PARTIAL_BYTES)
    *parts, last = [line[start : start + PARTIAL_BYTES] for start in cuts]
    return parts, last
