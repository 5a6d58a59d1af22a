"""Output into files: spliced from a FIFO, or written from a pty; indexed; rotated.

splice(2) moves the bytes from pipe to file inside the kernel: a SIGKILL falls before or after, so no
byte is lost and none comes twice, where read and write lose what lies between them. The file is not
opened O_APPEND (splice refuses that); its offset stands at its end.
"""

import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

from runtime.errors import InvalidArgument, Unsupported
from runtime.logs.index import (
    END_OF_RUN,
    RECORD,
    STREAMS,
    generations,
    index_path,
    stream_path,
    unindexed,
)
from schemas.engine.specs import LogConfig

SPLICE_BYTES = 1 << 20
OVERSHOOT_BYTES = 1 << 18
SMALLEST_STEP_BYTES = 1 << 12
DRIVERS = ("json-file", "local", "none")
_OPTIONS = frozenset(
    ("max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag", "mode", "max-buffer-size")
)
"""Docker's; all but the first two change how its log files are written, which only Docker reads."""
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class Limits(NamedTuple):
    """When output is thrown away; 0 bytes is never."""

    bytes_per_file: int = 0
    files: int = 1
    discard: bool = False


def limits(config: LogConfig) -> Limits:
    """Return what a logging configuration asks for.

    Raises Unsupported for a driver that is not here, InvalidArgument for sizes that are none.
    """
    if config.driver not in DRIVERS:
        raise Unsupported(
            f"the logging driver `{config.driver}` is not supported", hint=f"use one of {', '.join(DRIVERS)}"
        )
    if config.driver != "none" and (unknown := sorted(config.options.keys() - _OPTIONS)):
        raise InvalidArgument(f"unknown logging option `{unknown[0]}` for the driver `{config.driver}`")
    size = config.options.get("max-size", "").strip().lower().removesuffix("ib").removesuffix("b")
    number = size.rstrip("kmg")
    try:
        per_file = int(float(number) * _UNITS[size[len(number) :]]) if size and size != "-1" else 0
        files = int(config.options.get("max-file", "1"))
    except (ValueError, KeyError) as error:
        raise InvalidArgument(f"logging options `max-size` or `max-file` are no numbers: {config.options}") from error
    return Limits(per_file, max(1, files), discard=config.driver == "none")


class LogWriter:
    """Appends to the newest generation in a log folder; one writer at a time."""

    def __init__(self, folder: Path, kept: Limits) -> None:
        self._folder = folder
        self._limits = kept
        self._files: dict[int, int] = {}
        self._index = -1
        self._null = -1
        self._complained = False
        folder.mkdir(mode=0o710, parents=True, exist_ok=True)
        known = generations(folder)
        self._number = known[-1] if known else 0
        self._open()
        self._index_tail()

    def splice(self, fifo: int, stream: int) -> int:
        """Move what waits in a non-blocking FIFO; return the bytes. Raises BlockingIOError for nothing."""
        if self._limits.discard:
            return self._discard(fifo)
        target = self._files[stream]
        try:
            moved = os.splice(fifo, target, self._step_bytes())
        except BlockingIOError:
            raise
        except OSError as error:
            # A full disk must not stop the container: its output is lost, as with Docker.
            self._complain(error)
            return self._discard(fifo)
        if moved:
            self._append_record(os.lseek(target, 0, os.SEEK_CUR) - moved, moved, stream)
            self._rotate_when_due(stream)
        return moved

    def append(self, data: bytes, stream: int) -> None:
        """Write output that came through a pty."""
        if self._limits.discard:
            return
        target = self._files[stream]
        offset = os.lseek(target, 0, os.SEEK_CUR)
        try:
            written = os.write(target, data)
        except OSError as error:
            self._complain(error)
            return
        self._append_record(offset, written, stream)
        self._rotate_when_due(stream)

    def end_run(self) -> None:
        """Record that the process has ended: what it left without a line end is a line, and followers wake up.

        Once too often does no harm.
        """
        if not self._limits.discard:
            self._append_record(0, 0, END_OF_RUN)

    def close(self) -> None:
        """Close the files."""
        for descriptor in (self._index, self._null, *self._files.values()):
            if descriptor >= 0:
                os.close(descriptor)
        self._files.clear()
        self._index = self._null = -1

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._index = os.open(index_path(self._folder, self._number), flags, 0o640)
        for stream in STREAMS:
            self._files[stream] = os.open(stream_path(self._folder, self._number, stream), flags, 0o640)
            os.lseek(self._files[stream], 0, os.SEEK_END)
        # A torn record would shift all that follow.
        size = os.lseek(self._index, 0, os.SEEK_END)
        if size % RECORD.size:
            os.ftruncate(self._index, size - size % RECORD.size)
            os.lseek(self._index, 0, os.SEEK_END)

    def _index_tail(self) -> None:
        for record in unindexed(self._folder, self._number):
            os.write(self._index, RECORD.pack(record.offset, record.length, record.stream, record.time_ns))

    def _append_record(self, offset: int, length: int, stream: int) -> None:
        try:
            os.write(self._index, RECORD.pack(offset, length, stream, time.time_ns()))
        except OSError as error:
            self._complain(error)

    def _step_bytes(self) -> int:
        """Return how much to take at once: with a limit, no more than fits below it."""
        limit = self._limits.bytes_per_file
        if not limit:
            return SPLICE_BYTES
        return min(SPLICE_BYTES, max(SMALLEST_STEP_BYTES, limit - self._size()))

    def _size(self) -> int:
        return sum(os.lseek(file, 0, os.SEEK_CUR) for file in self._files.values())

    def _rotate_when_due(self, stream: int) -> None:
        limit = self._limits.bytes_per_file
        if not limit or self._size() < limit:
            return
        end = os.lseek(self._files[stream], 0, os.SEEK_CUR)
        ends_line = os.pread(self._files[stream], 1, end - 1) == b"\n"
        # Beyond the limit the end of a line is waited for a little; readers put a line together that was cut.
        overshoot = min(OVERSHOOT_BYTES, max(SMALLEST_STEP_BYTES, limit // 10))
        if not ends_line and self._size() < limit + overshoot:
            return
        self.close()
        self._number += 1
        self._open()
        for number in generations(self._folder):
            if number <= self._number - self._limits.files:
                _remove(self._folder, number)

    def _discard(self, fifo: int) -> int:
        if self._null < 0:
            self._null = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
        return os.splice(fifo, self._null, SPLICE_BYTES)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            sys.stderr.write(f"output of `{self._folder}` is lost: {error}\n")


def _remove(folder: Path, number: int) -> None:
    for stream in STREAMS:
        stream_path(folder, number, stream).unlink(missing_ok=True)
    index_path(folder, number).unlink(missing_ok=True)
