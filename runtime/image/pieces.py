"""An archive put together while it is read: headers as they are, and between them regions of files below a folder."""

import os
from collections.abc import Generator, Iterable, Iterator

from runtime.errors import FailedPrecondition
from runtime.image.content import CHUNK_BYTES
from runtime.image.diff import Content, Piece
from runtime.syscall import constants as c
from runtime.syscall.mount import openat2

_RESOLVE = c.RESOLVE_BENEATH | c.RESOLVE_NO_SYMLINKS


def contents(pieces: Iterable[Piece], root: int, *, hint: str) -> Generator[bytes, None, None]:
    """Yield the bytes of an archive, its files from the open folder `root`, a mebibyte at a time at most.

    Raises SyscallError, and FailedPrecondition with `hint` when a file is shorter than its header says.
    """
    for piece in pieces:
        if isinstance(piece, Content):
            yield from region(root, piece, hint=hint)
        elif piece:
            yield piece


def region(root: int, piece: Content, *, hint: str) -> Iterator[bytes]:
    """Yield the bytes of one region. Raises as `contents` does."""
    descriptor = piece.descriptor
    if descriptor < 0:
        descriptor = openat2(root, os.fsdecode(piece.path), os.O_RDONLY | os.O_NONBLOCK, resolve=_RESOLVE)
    try:
        offset, end = piece.offset, piece.offset + piece.length
        while offset < end:
            content = os.pread(descriptor, min(CHUNK_BYTES, end - offset), offset)
            if not content:
                raise FailedPrecondition(f"`{os.fsdecode(piece.path)}` is not what it was", hint=hint)
            offset += len(content)
            yield content
    finally:
        if descriptor != piece.descriptor:
            os.close(descriptor)


class Joined:
    """Bytes that come in pieces, as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        if size < 0:
            return b"".join((self._rest, *self._pieces))
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        content, self._rest = self._rest[:size], self._rest[size:]
        return bytes(content)
