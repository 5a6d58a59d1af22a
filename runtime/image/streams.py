"""Reading an archive once: copied, decompressed, hashed, counted and unpacked in one pass."""

import bz2
import hashlib
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from runtime.errors import InvalidArgument
from runtime.image import zstd
from runtime.image.content import CHUNK_BYTES
from schemas.dataclass import dataclass
from schemas.engine.identifiers import DiffID
from schemas.oci.media_types import OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD

_MAGIC_LENGTH = 6
_GZIP_BITS = 31
"""For zlib: the largest window, with gzip's header and checksum."""
_INPUT_BYTES = 1 << 16
DAMAGED: tuple[type[Exception], ...] = (EOFError, zlib.error, lzma.LZMAError, OSError, *zstd.DAMAGED)
"""What decompressors raise: gzip and bzip2 an OSError without a number, see `is_damage`."""


class Readable(Protocol):
    """What everything here is made of."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


class Sink(Protocol):
    """Where a copy goes."""

    def write(self, content: bytes, /) -> object:
        """Take all of it."""


class Gunzipped:
    """The content of a gzip stream (RFC 1952): members one after the other, perhaps padded with zeros.

    gzip.GzipFile reads 8 KiB at a time and counts its own checksum: it takes half as long again.
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._input = b""
        self._member: zlib._Decompress | None = zlib.decompressobj(wbits=_GZIP_BITS)

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes. Raises EOFError, zlib.error for a damaged stream."""
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_BYTES), b""))
        while size:
            if not self._input:
                self._input = self._source.read(_INPUT_BYTES)
                if not self._input:
                    break
            if self._member is None:
                self._input = self._input.lstrip(b"\0")
                if not self._input:
                    continue
                self._member = zlib.decompressobj(wbits=_GZIP_BITS)
            member = self._member
            content = member.decompress(self._input, size)
            self._input = member.unused_data if member.eof else member.unconsumed_tail
            if member.eof:
                self._member = None
            if content:
                return content
        if size and self._member is not None:
            raise EOFError("it ends before its end mark")
        return b""


@dataclass(frozen=True, slots=True)
class Compression:
    """How an archive is packed, known by its first bytes."""

    name: str
    magic: bytes
    media_type: str
    """Of a layer packed so; empty when OCI has none."""
    reader: Callable[[BinaryIO], BinaryIO]


PLAIN = Compression("tar", b"", OCI_LAYER, lambda source: source)
_KNOWN = (
    Compression("gzip", b"\x1f\x8b", OCI_LAYER_GZIP, lambda source: cast("BinaryIO", Gunzipped(source))),
    Compression("zstd", b"\x28\xb5\x2f\xfd", OCI_LAYER_ZSTD, zstd.reader),
    Compression("bzip2", b"BZh", "", lambda source: cast("BinaryIO", bz2.BZ2File(source))),
    Compression("xz", b"\xfd7zXZ\x00", "", lambda source: cast("BinaryIO", lzma.open(source))),  # noqa: SIM115 - the caller reads it to its end
)


class Copied:
    """A stream that leaves a copy of what is read."""

    def __init__(self, source: Readable, sink: Sink) -> None:
        self._source = source
        self._sink = sink

    def read(self, size: int = -1, /) -> bytes:
        """Read and copy."""
        content = self._source.read(size)
        self._sink.write(content)
        return content


class Hashed:
    """An uncompressed stream whose DiffID is wanted, and whose reader is held to what it may read."""

    def __init__(self, source: Readable, sink: Sink | None = None) -> None:
        self._source = source
        self._sink = sink
        self._hash = hashlib.sha256()
        self._allowance = 0

    def allow(self, size_bytes: int) -> None:
        """Say how much may be read until the next call: no header makes us read gigabytes into memory."""
        self._allowance = size_bytes

    def read(self, size: int = -1, /) -> bytes:
        """Read and hash. Raises InvalidArgument for damaged compression, and beyond the allowance."""
        try:
            content = self._source.read(size)
        except DAMAGED as error:
            if not is_damage(error):
                raise
            raise InvalidArgument(f"the archive is damaged: {error}") from error
        self._allowance -= len(content)
        if self._allowance < 0:
            raise InvalidArgument("the archive has a header of unreasonable size")
        self._hash.update(content)
        if self._sink is not None:
            self._sink.write(content)
        return content

    def drain(self, limit_bytes: int) -> None:
        """Read what follows the end of the archive: padding, part of the DiffID."""
        self.allow(limit_bytes)
        while self.read(CHUNK_BYTES):
            pass

    @property
    def diff_id(self) -> DiffID:
        """Digest of what was read so far."""
        return DiffID(f"sha256:{self._hash.hexdigest()}")


class Prefixed:
    """A stream some of whose beginning was read already."""

    def __init__(self, prefix: bytes, source: Readable) -> None:
        self._prefix = prefix
        self._source = source

    def read(self, size: int = -1, /) -> bytes:
        """Read the prefix, then the rest."""
        if not self._prefix:
            return self._source.read(size)
        if size < 0:
            content, self._prefix = self._prefix + self._source.read(), b""
            return content
        content, self._prefix = self._prefix[:size], self._prefix[size:]
        return content


def is_damage(error: Exception) -> bool:
    """Whether one of DAMAGED is about the content, not about reading it."""
    return not isinstance(error, OSError) or error.errno is None


def detect(source: Readable) -> tuple[Compression, Readable]:
    """Return how a stream is packed, and the stream as it was."""
    prefix = b""
    while len(prefix) < _MAGIC_LENGTH and (more := source.read(_MAGIC_LENGTH - len(prefix))):
        prefix += more
    found = next((known for known in _KNOWN if prefix.startswith(known.magic)), PLAIN)
    return found, Prefixed(prefix, source)


def unpacked(compression: Compression, source: Readable) -> Readable:
    """Return the uncompressed stream. Raises Unsupported."""
    # The decompressors only ever call `read`.
    return compression.reader(cast("BinaryIO", source))
