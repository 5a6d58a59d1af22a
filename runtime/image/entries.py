"""The entries of a layer's tar, one after the other, within limits. tarfile parses; it never extracts."""

import math
import os
import re
import tarfile
from collections.abc import Iterator
from typing import IO, cast

from runtime.errors import InvalidArgument
from runtime.image.content import CHUNK_BYTES
from runtime.image.streams import Hashed
from schemas.dataclass import dataclass

XATTR_PREFIX = "SCHILY.xattr."
_OVERLAY_PREFIXES = ("trusted.overlay.", "user.overlay.")
_BUFFER_BYTES = 1 << 16
_HEADER_BYTES = 4 << 20
"""All extended headers of one entry, and the padding between two."""
_PADDING_BYTES = 64 << 20
_SECOND_NS = 10**9
_SIZE_VARIABLE = "PYCOMPOSE_MAX_LAYER_SIZE"
_SIZE = re.compile(r"([0-9]{1,15})([kmgt]?)i?b?")
SIZE_HINT = f"if it is meant to be that large: {_SIZE_VARIABLE}=500g"
_EXACT_TIME = re.compile(r"([0-9]{1,12})(?:\.([0-9]*))?")
_EARLIEST_S, _LATEST_S = -(2**31), 2**34
"""What every file system and time_t take."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one layer may unpack to."""

    size_bytes: int = 256 << 30
    entries: int = 4_000_000


def configured_limits() -> Limits:
    """Return the limits, as PYCOMPOSE_MAX_LAYER_SIZE (`20g`) sets them. Raises InvalidArgument."""
    text = os.environ.get(_SIZE_VARIABLE, "")
    if not text:
        return Limits()
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None:
        raise InvalidArgument(f"{_SIZE_VARIABLE}: `{text}` is not a size", hint="such as 500m or 20g")
    return Limits(size_bytes=int(match[1]) << (10 * " kmgt".index(match[2] or " ")))


class Entries:
    """Iterates over an uncompressed tar. Raises InvalidArgument for what is no tar, or too much."""

    def __init__(self, source: Hashed, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._tar: tarfile.TarFile | None = None
        self.size_bytes = 0
        """Of all files so far."""
        self.count = 0

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        source = self._source
        source.allow(_HEADER_BYTES)
        try:
            # The stream mode never seeks; errors="surrogateescape" keeps names and xattrs byte for byte.
            self._tar = tarfile.open(  # noqa: SIM115 - nothing to close: the stream is the caller's
                fileobj=cast("IO[bytes]", source),
                mode="r|",
                bufsize=_BUFFER_BYTES,
                encoding="utf-8",
                errors="surrogateescape",
            )
            while (member := self._tar.next()) is not None:
                self._count(member)
                source.allow(_stored_bytes(member) + _HEADER_BYTES)
                yield member
                # Else every header ever seen is kept.
                self._tar.members = []  # type: ignore[attr-defined] # of the class, not of its stub
        except (tarfile.TarError, ValueError) as error:
            raise InvalidArgument(f"not a tar archive, or a damaged one: {error}") from error
        source.drain(_PADDING_BYTES)

    def content(self, member: tarfile.TarInfo) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, bytes) of the file just reached; the holes of a sparse one are left out."""
        try:
            yield from self._pieces(member)
        except (tarfile.TarError, ValueError) as error:
            raise InvalidArgument(f"the archive is damaged within `{member.name}`: {error}") from error

    def _pieces(self, member: tarfile.TarInfo) -> Iterator[tuple[int, bytes]]:
        # Not extractfile: it wants to seek. The data of a sparse file's regions stand one after the other.
        stored = self._tar.fileobj if self._tar is not None else None
        if stored is None:
            return
        stored.seek(member.offset_data)
        for start, length in _regions(member):
            offset, end = start, start + length
            while offset < end:
                piece = stored.read(min(CHUNK_BYTES, end - offset))
                if not piece:
                    raise InvalidArgument(f"the archive ends within `{member.name}`")
                yield offset, piece
                offset += len(piece)

    def _count(self, member: tarfile.TarInfo) -> None:
        if member.size < 0:
            raise InvalidArgument(f"`{member.name}` has a negative size")
        self.count += 1
        # A link's size is that of its target's name, as Docker counts.
        self.size_bytes += len(member.linkname) if member.issym() else _stored_bytes(member)
        if self.count > self._limits.entries:
            raise InvalidArgument(f"the layer has more than {self._limits.entries} entries")
        if self.size_bytes > self._limits.size_bytes:
            raise InvalidArgument(f"the layer unpacks to more than {self._limits.size_bytes} bytes", hint=SIZE_HINT)


def path_of(name: str) -> tuple[str, ...]:
    """Return a member's path as its parts, relative to the root. Raises InvalidArgument when it leaves it."""
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            if not parts:
                raise InvalidArgument(f"the path `{name}` leads out of the image")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if "\0" in name:
        raise InvalidArgument(f"the path {name!r} has a NUL byte")
    return tuple(parts)


def attributes(member: tarfile.TarInfo) -> list[tuple[str, bytes]]:
    """Return the extended attributes to set. Those that steer overlayfs are dropped: only we write them."""
    return [
        (key.removeprefix(XATTR_PREFIX), value.encode("utf-8", "surrogateescape"))
        for key, value in member.pax_headers.items()
        if key.startswith(XATTR_PREFIX) and not key.removeprefix(XATTR_PREFIX).startswith(_OVERLAY_PREFIXES)
    ]


def modified_ns(member: tarfile.TarInfo) -> int:
    """Return the modification time in nanoseconds, brought into what file systems take."""
    exact = _EXACT_TIME.fullmatch(member.pax_headers.get("mtime", ""))
    if exact:
        # tarfile makes a float of it, which is good for a quarter of a microsecond.
        return _clamped(int(exact[1])) * _SECOND_NS + int((exact[2] or "")[:9].ljust(9, "0"))
    seconds = float(member.mtime)
    if not math.isfinite(seconds):
        return 0
    whole = math.floor(seconds)
    return _clamped(whole) * _SECOND_NS + int((seconds - whole) * _SECOND_NS)


def _clamped(seconds: int) -> int:
    return min(max(seconds, _EARLIEST_S), _LATEST_S)


def owner(member: tarfile.TarInfo) -> tuple[int, int]:
    """Return (uid, gid). Raises InvalidArgument for numbers the kernel has no place for."""
    if not (0 <= member.uid < 2**32 - 1 and 0 <= member.gid < 2**32 - 1):
        raise InvalidArgument(f"`{member.name}` has owner {member.uid}:{member.gid}, which cannot be")
    return member.uid, member.gid


def _stored_bytes(member: tarfile.TarInfo) -> int:
    return sum(length for _, length in _regions(member)) if member.isreg() else member.size


def _regions(member: tarfile.TarInfo) -> list[tuple[int, int]]:
    # The attribute is missing from typeshed's view of plain files, where it is None.
    sparse = cast("list[tuple[int, int]] | None", member.sparse)
    return [(0, member.size)] if sparse is None else sparse
