"""How files are read, and how their names are resolved.

All reading goes through a SourceReader, so that tests give the loader a dict of texts.
"""

import errno
import os
import select
import stat
from typing import Protocol

MAX_FILE_BYTES = 16 << 20
"""What a Compose file or an env file may have; three thousand services take three million."""

EXCESS = f"larger than {MAX_FILE_BYTES} bytes"
_NULL_DEVICE = os.makedev(1, 3)
_WRITER_TIMEOUT_MS = 1000


class SourceReader(Protocol):
    """The loader's only way to files. Paths are absolute."""

    def read(self, path: str) -> bytes:
        """The content. Raises OSError."""

    def is_file(self, path: str) -> bool:
        """Whether something other than a folder is there."""

    def is_directory(self, path: str) -> bool:
        """Whether a folder is there."""

    def real_path(self, path: str) -> str:
        """The path without symbolic links."""


class RemoteFiles(Protocol):
    """The loader's only way to files that are elsewhere."""

    def local_copy(self, reference: str, *, by_fetched: bool) -> str:
        """The Compose file that a reference means, fetched, as an absolute path. Raises RemoteError.

        `by_fetched`: a file that was itself fetched has the reference.
        """

    def root_of(self, path: str) -> str:
        """The folder of the fetched tree that an absolute path lies in; empty where it lies in none."""


class DiskReader:
    """Reads the host's files. `pipes` is what pipes have given, which give it once: `--env-file <(…)`."""

    def __init__(self, pipes: dict[str, bytes] | None = None) -> None:
        self.pipes = {} if pipes is None else pipes

    def read(self, path: str) -> bytes:
        """The content. Raises OSError, also for what has no end: a device, a FIFO without a writer, a huge file."""
        kind = os.stat(path)  # noqa: PTH116 - as below
        if not stat.S_ISFIFO(kind.st_mode):
            return self._content(path, kind)
        if path not in self.pipes:
            self.pipes[path] = self._content(path, kind)
        return self.pipes[path]

    def _content(self, path: str, kind: os.stat_result) -> bytes:
        _require_content(kind, path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            if stat.S_ISFIFO(kind.st_mode):
                _await_writer(descriptor)
            os.set_blocking(descriptor, not stat.S_ISREG(kind.st_mode))
            return _content(descriptor)
        finally:
            os.close(descriptor)

    def is_file(self, path: str) -> bool:
        """Whether something other than a folder is there (a FIFO counts: `--env-file <(…)`)."""
        return os.path.exists(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112 - str in, str out: no Path built

    def is_directory(self, path: str) -> bool:
        """Whether a folder is there."""
        return os.path.isdir(path)  # noqa: PTH112 - as above

    def real_path(self, path: str) -> str:
        """The path without symbolic links."""
        return os.path.realpath(path)


def _require_content(kind: os.stat_result, path: str) -> None:
    """Raises OSError for what is not read, because opening it may do something and reading it may have no end."""
    mode = kind.st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if stat.S_ISSOCK(mode):
        raise OSError(errno.ENXIO, "is a socket", path)
    # Terminals are character devices too: `-f /dev/stdin`; their major numbers are 4, 5, and 136 to 143 (devices.txt).
    terminal = stat.S_ISCHR(mode) and os.major(kind.st_rdev) in (4, 5, *range(136, 144))
    if stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and kind.st_rdev != _NULL_DEVICE and not terminal):
        raise OSError(errno.ENODEV, "is a device", path)


def _await_writer(descriptor: int) -> None:
    """Wait until a FIFO has a writer, but not for long. Raises OSError."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(_WRITER_TIMEOUT_MS):
        try:
            os.read(descriptor, 1)
        except BlockingIOError:
            return
        raise OSError(errno.ENXIO, "is a pipe that nobody writes to")


def _content(descriptor: int) -> bytes:
    """All that can be read. Raises OSError for too much, and for a file that gives nothing (/proc/kmsg)."""
    chunks: list[bytes] = []
    size = 0
    while chunk := _chunk(descriptor):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, EXCESS)
    return b"".join(chunks)


def _chunk(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 20)
    except BlockingIOError:
        raise OSError(errno.EAGAIN, "has no end") from None


def resolve(base: str, path: str) -> str:
    """`path` as an absolute, cleaned path; a relative one starts at `base`."""
    return os.path.normpath(os.path.join(base, path))  # noqa: PTH118 - `//` and `..` as Go's filepath.Join
