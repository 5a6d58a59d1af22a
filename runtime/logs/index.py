"""The files of a container's output, and the index that tells when each piece came.

    <n>.stdout  <n>.stderr    what was printed, byte for byte
    <n>.index                 24 bytes a piece: offset u64, length u32, stream u8, time u64 (little endian)

A piece is written first and indexed after, so a writer killed in between leaves a tail without a
record, never a record without its bytes. Generation n+1 follows n when the size limit is reached.
"""

import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

RECORD = struct.Struct("<QIB3xQ")
END_OF_RUN = 0
STDOUT = 1
STDERR = 2
STREAMS = {STDOUT: "stdout", STDERR: "stderr"}
_BLOCK_BYTES = 1024 * RECORD.size


class Record(NamedTuple):
    """One piece of output, or the end of a run of the process (stream END_OF_RUN, length 0)."""

    offset: int
    length: int
    stream: int
    time_ns: int


def generations(folder: Path) -> list[int]:
    """Return the numbers of the generations in a log folder, oldest first."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - thirty folders a command, and Path objects are of no use here
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted({int(head) for name in names for head in (name.partition(".")[0],) if head.isdigit()})


def index_path(folder: Path, generation: int) -> Path:
    """Return the index file of a generation."""
    return folder / f"{generation}.index"


def stream_path(folder: Path, generation: int, stream: int) -> Path:
    """Return the file that holds a stream's bytes of a generation."""
    return folder / f"{generation}.{STREAMS[stream]}"


class Generation:
    """One generation as a reader sees it: records that were there at the last `refresh`."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self._folder = folder
        self._raw = bytearray()
        self._index = -1
        self._streams: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._raw) // RECORD.size

    def __getitem__(self, position: int) -> Record:
        return Record(*RECORD.unpack_from(self._raw, position * RECORD.size))

    def refresh(self) -> None:
        """Take up the records that were appended since."""
        if self._index < 0:
            try:
                self._index = os.open(index_path(self._folder, self.number), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return
        while more := os.pread(self._index, 1 << 20, len(self._raw)):
            # A torn record is a killed writer's: its successor writes over it.
            self._raw += more[: len(more) - len(more) % RECORD.size]
            if len(more) < RECORD.size:
                return

    def add_unindexed(self) -> None:
        """Take up what was written but not indexed, when nobody is left to index it."""
        for record in unindexed(self._folder, self.number):
            self._raw += RECORD.pack(record.offset, record.length, record.stream, record.time_ns)

    def bytes_of(self, record: Record) -> bytes:
        """Return the bytes of a piece; fewer when the file was cut."""
        descriptor = self._streams.get(record.stream)
        if descriptor is None:
            path = stream_path(self._folder, self.number, record.stream)
            try:
                descriptor = self._streams[record.stream] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return b""
        return os.pread(descriptor, record.length, record.offset)

    def close(self) -> None:
        """Close the files."""
        for descriptor in (self._index, *self._streams.values()):
            if descriptor >= 0:
                os.close(descriptor)
        self._index = -1
        self._streams.clear()


def unindexed(folder: Path, number: int) -> Iterator[Record]:
    """Yield a record for the tail of each stream that has none, with the file's time."""
    sizes: dict[int, os.stat_result] = {}
    for stream in STREAMS:
        with suppress(FileNotFoundError):
            sizes[stream] = stream_path(folder, number, stream).stat()
    ends = _indexed_ends(index_path(folder, number), {stream for stream, status in sizes.items() if status.st_size})
    for stream, status in sizes.items():
        end = ends.get(stream, 0)
        if status.st_size > end:
            yield Record(end, status.st_size - end, stream, status.st_mtime_ns or time.time_ns())


def _indexed_ends(path: Path, streams: set[int]) -> dict[int, int]:
    """Return how far each of these streams is indexed, from the index's end backwards: it may be long."""
    ends: dict[int, int] = {}
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ends
    try:
        size = os.fstat(descriptor).st_size
        place = size - size % RECORD.size
        while place > 0 and streams - ends.keys():
            start = max(0, place - _BLOCK_BYTES)
            block = os.pread(descriptor, place - start, start)
            for offset, length, stream, _ in reversed(list(RECORD.iter_unpack(block))):
                if stream in streams:
                    ends.setdefault(stream, offset + length)
            place = start
    finally:
        os.close(descriptor)
    return ends
