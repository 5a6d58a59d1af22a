"""Output back from files: both streams in the order in which it came.

Generations are read one after the other as if they were one; a line may go on from one to the next.
"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from runtime.logs.index import END_OF_RUN, STREAMS, Generation, Record, generations
from runtime.logs.lines import LineAssembler
from schemas.engine.records import LogLine

_NO_LIMIT = 1 << 63


def read(folder: Path, *, tail: int | None = None, since_ns: int = 0, until_ns: int = 0) -> Iterator[LogLine]:
    """Yield the kept lines, the last `tail` of them when given.

    Times are nanoseconds since the epoch, both bounds included, 0 for none. A last line without an
    end is a line too.
    """
    history = History(folder)
    try:
        history.add_unindexed()
        yield from history.lines(tail=tail, since_ns=since_ns, until_ns=until_ns)
    finally:
        history.close()


class History:
    """All generations of a log folder as one sequence of pieces."""

    def __init__(self, folder: Path) -> None:
        self.generations = [Generation(folder, number) for number in generations(folder)]
        for generation in self.generations:
            generation.refresh()
        self.assembler = LineAssembler()

    def add_unindexed(self) -> None:
        """Take up the tail that a killed writer has not indexed."""
        if self.generations:
            self.generations[-1].add_unindexed()

    def lines(self, *, tail: int | None, since_ns: int, until_ns: int, flush: bool = True) -> Iterator[LogLine]:
        """Yield lines up to the end of what is there; with `flush` the unfinished ones too."""
        if tail is not None:
            kept = deque(self._lines(self._start(tail, since_ns, until_ns), since_ns, until_ns, flush), maxlen=None)
            yield from _last(kept, tail)
        else:
            yield from self._lines(self._start(None, since_ns, until_ns), since_ns, until_ns, flush)

    def close(self) -> None:
        """Close the files."""
        for generation in self.generations:
            generation.close()

    def _lines(self, start: tuple[int, int], since_ns: int, until_ns: int, flush: bool) -> Iterator[LogLine]:
        limit = until_ns or _NO_LIMIT
        for stream in STREAMS:
            # The beginning of the line that goes on here; what it completes lies before the start.
            self.assembler.feed(stream, 0, self._beginning(start, stream))
        for generation, record in self._forward(start):
            if record.time_ns > limit:
                break
            for line in assemble(self.assembler, generation, record):
                if line.time_ns >= since_ns:
                    yield line
        if flush:
            yield from (line for line in self.assembler.flush() if since_ns <= line.time_ns <= limit)

    def _forward(self, start: tuple[int, int]) -> Iterator[tuple[Generation, Record]]:
        first, position = start
        for generation in self.generations[first:]:
            for index in range(position, len(generation)):
                yield generation, generation[index]
            position = 0

    def _backward(self, start: tuple[int, int]) -> Iterator[tuple[tuple[int, int], Generation, Record]]:
        """Yield the pieces before `start`, newest first, each with its place."""
        last, position = start
        for number in range(last, -1, -1):
            if number < len(self.generations):
                generation = self.generations[number]
                end = position if number == last else len(generation)
                for index in range(end - 1, -1, -1):
                    yield (number, index), generation, generation[index]

    def _start(self, tail: int | None, since_ns: int, until_ns: int) -> tuple[int, int]:
        """Return the place of the first piece that can matter."""
        if tail is None and not since_ns:
            return (0, 0)
        start = (len(self.generations), 0)
        found = 0
        for place, generation, record in self._backward(start):
            if record.time_ns < since_ns or (tail is not None and found >= max(tail, 1)):
                return start
            start = place
            if tail is not None and record.stream != END_OF_RUN and (not until_ns or record.time_ns <= until_ns):
                found += generation.bytes_of(record).count(b"\n")
        return (0, 0)

    def _beginning(self, start: tuple[int, int], stream: int) -> bytes:
        pieces: list[bytes] = []
        for _, generation, record in self._backward(start):
            if record.stream == END_OF_RUN:
                break
            if record.stream == stream:
                data = generation.bytes_of(record)
                cut = data.rfind(b"\n") + 1
                pieces.append(data[cut:])
                if cut:
                    break
        return b"".join(reversed(pieces))


def assemble(assembler: LineAssembler, generation: Generation, record: Record) -> list[LogLine]:
    """Return the lines that a piece completes."""
    if record.stream == END_OF_RUN:
        return assembler.flush()
    if record.stream not in STREAMS:
        # Of a newer version, or of a broken disk.
        return []
    return assembler.feed(record.stream, record.time_ns, generation.bytes_of(record))


def _last(lines: "deque[LogLine]", count: int) -> Iterator[LogLine]:
    """Yield the last `count` lines; all parts of a long line count as one."""
    kept: deque[LogLine] = deque()
    while lines and count > 0:
        kept.appendleft(lines.pop())
        while lines and lines[-1].partial and lines[-1].stream == kept[0].stream:
            kept.appendleft(lines.pop())
        count -= 1
    return iter(kept)
