"""A layer's archive without its files' content: from the unpacked folder it can be made again, byte for byte.

A layer that was built here is not stored twice. Beside its folder lies what the folder does not have: headers and
padding, and between them which file's bytes follow (the idea is that of vbatts/tar-split, which Docker uses; the
format is ours). Compressed, it is about a hundredth of what it stands for.

    frame = b"L" length:u32 bytes | b"C" path length:u16 path offset:u64 length:u64
"""

import gzip
import hashlib
import io
import os
import struct
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from runtime.errors import FailedPrecondition
from runtime.image.content import CHUNK_BYTES
from runtime.image.diff import Content, Piece
from runtime.image.pieces import contents, region
from runtime.image.streams import DAMAGED, Readable, is_damage
from schemas.engine.identifiers import DiffID

_LITERAL, _CONTENT = b"L", b"C"
_LITERAL_FRAME = struct.Struct(">I")
_PATH_FRAME = struct.Struct(">H")
_REGION_FRAME = struct.Struct(">QQ")
_LEVEL = 1
_HINT = "remove the image and build it again"
_MAGIC = b"tarsplit"
_HEAD = struct.Struct(">8sQ")


def record(archive: Iterable[Piece], root: int, target: BinaryIO) -> DiffID:
    """Read an archive's pieces, its files from the open folder `root`, into a seekable new file; return its DiffID.

    Raises OSError.
    """
    digest = hashlib.sha256()
    size_bytes = 0
    target.write(_HEAD.pack(_MAGIC, 0))
    packed = gzip.GzipFile(fileobj=target, mode="wb", compresslevel=_LEVEL, mtime=0)
    # Each write to a GzipFile costs more than a frame is worth.
    with packed, io.BufferedWriter(cast("io.RawIOBase", packed), CHUNK_BYTES) as frames:
        for piece in archive:
            if isinstance(piece, Content):
                frames.write(_frame(piece))
                for content in region(root, piece, hint=_HINT):
                    digest.update(content)
                size_bytes += piece.length
            elif piece:
                frames.write(_LITERAL + _LITERAL_FRAME.pack(len(piece)) + piece)
                digest.update(piece)
                size_bytes += len(piece)
    target.seek(0)
    target.write(_HEAD.pack(_MAGIC, size_bytes))
    return DiffID(f"sha256:{digest.hexdigest()}")


def archive_bytes(split: Path) -> int:
    """Return how large the archive is. Raises FileNotFoundError, FailedPrecondition."""
    with split.open("rb") as file:
        return _read_head(file, split)


def opened(split: Path, folder: Path) -> BinaryIO:
    """Return the archive as a stream; whoever reads it checks its digest.

    Raises FileNotFoundError, FailedPrecondition.
    """
    with ExitStack() as undo:
        file = undo.enter_context(split.open("rb"))
        _read_head(file, split)
        root = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        undo.pop_all()
    return io.BufferedReader(_Archive(file, root), CHUNK_BYTES)


class _Archive(io.RawIOBase):
    def __init__(self, file: BinaryIO, root: int) -> None:
        super().__init__()
        self._file = file
        self._root = root
        self._pieces = self._all()
        self._rest = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # of the class that the stub leaves open
        """Read some. Raises FailedPrecondition when the folder is no longer what it was."""
        if not self._rest:
            self._rest = next((piece for piece in self._pieces if piece), b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Release both files. Idempotent."""
        if not self.closed:
            self._pieces.close()
            self._file.close()
            os.close(self._root)
        super().close()

    def _all(self) -> Generator[bytes, None, None]:
        yield from contents(_frames(gzip.GzipFile(fileobj=self._file)), self._root, hint=_HINT)


def _frames(source: Readable) -> Iterator[Piece]:
    try:
        while kind := source.read(1):
            if kind == _LITERAL:
                (length,) = _LITERAL_FRAME.unpack(source.read(_LITERAL_FRAME.size))
                yield source.read(length)
            else:
                (length,) = _PATH_FRAME.unpack(source.read(_PATH_FRAME.size))
                path = source.read(length)
                yield Content(path, *_REGION_FRAME.unpack(source.read(_REGION_FRAME.size)))
    except DAMAGED as error:
        if not is_damage(error):
            raise
        raise FailedPrecondition(f"the list of a layer's files is damaged: {error}", hint=_HINT) from error
    except struct.error as error:
        raise FailedPrecondition("the list of a layer's files is cut off", hint=_HINT) from error


def _frame(piece: Content) -> bytes:
    return b"".join(
        (_CONTENT, _PATH_FRAME.pack(len(piece.path)), piece.path, _REGION_FRAME.pack(piece.offset, piece.length))
    )


def _read_head(file: BinaryIO, split: Path) -> int:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or not head.startswith(_MAGIC):
        raise FailedPrecondition(f"`{split}` is damaged", hint=_HINT)
    size_bytes: int = _HEAD.unpack(head)[1]
    return size_bytes
