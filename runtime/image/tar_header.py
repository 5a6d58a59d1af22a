"""Headers of a layer's tar: POSIX pax, the same bytes for the same file on every machine.

Written by hand because the library's take ten times as long, and because a layer's digest must not hang on its
version. Sources: pax(1), "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Sparse Formats"
(1.0); OCI image-spec, layer.md.
"""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import field

from schemas.dataclass import dataclass

BLOCK_BYTES = 512
END_OF_ARCHIVE = bytes(2 * BLOCK_BYTES)
REGULAR, HARD_LINK, SYMLINK, CHARACTER, BLOCK, FOLDER, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
_EXTENDED = b"x"
_NAME_BYTES = 100
_CHECKSUM_BYTES = 8
_SMALL_NUMBER = 0o7777777
"""The greatest that fits into a field of 8 bytes."""
_LARGE_NUMBER = 0o77777777777
"""The greatest that fits into a field of 12 bytes."""
_TYPES = {
    stat.S_IFREG: REGULAR,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFCHR: CHARACTER,
    stat.S_IFBLK: BLOCK,
    stat.S_IFDIR: FOLDER,
    stat.S_IFIFO: FIFO,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One member: names are bytes, as the kernel has them."""

    name: bytes
    type: bytes
    mode: int
    """Permissions, with setuid, setgid and sticky."""
    uid: int = 0
    gid: int = 0
    size_bytes: int = 0
    """Of what follows the header."""
    modified_s: int = 0
    link: bytes = b""
    device: tuple[int, int] = (0, 0)
    records: Mapping[bytes, bytes] = field(default_factory=dict)
    """Further pax records: extended attributes."""


def type_of(mode: int) -> bytes:
    """Return the type of a file by its st_mode; sockets have none."""
    return _TYPES[stat.S_IFMT(mode)]


def header(entry: Entry) -> bytes:
    """Return all blocks before the content."""
    records = dict(entry.records)
    name = _text(records, b"path", entry.name)
    link = _text(records, b"linkpath", entry.link)
    uid = _number(records, b"uid", entry.uid, _SMALL_NUMBER)
    gid = _number(records, b"gid", entry.gid, _SMALL_NUMBER)
    size = _number(records, b"size", entry.size_bytes, _LARGE_NUMBER)
    modified = _number(records, b"mtime", entry.modified_s, _LARGE_NUMBER)
    block = _block(name, entry.type, link, (entry.mode, uid, gid, size, modified), entry.device)
    return _extended(records) + block if records else block


def sparse(entry: Entry, regions: Sequence[tuple[int, int]], real_size_bytes: int) -> bytes:
    """Return the blocks before the content of a file with holes: only its `regions` (offset, length) follow.

    A file that ends in a hole has an empty region at its end, so that readers make it long enough.
    """
    numbers = [len(regions), *(number for region in regions for number in region)]
    table = padded(b"".join(b"%d\n" % number for number in numbers))
    records = {
        **entry.records,
        b"GNU.sparse.major": b"1",
        b"GNU.sparse.minor": b"0",
        b"GNU.sparse.name": entry.name,
        b"GNU.sparse.realsize": b"%d" % real_size_bytes,
    }
    stored = Entry(
        name=b"GNUSparseFile.0/" + entry.name.rpartition(b"/")[2],
        type=entry.type,
        mode=entry.mode,
        uid=entry.uid,
        gid=entry.gid,
        size_bytes=len(table) + sum(length for _, length in regions),
        modified_s=entry.modified_s,
        records=records,
    )
    return header(stored) + table


def padded(content: bytes) -> bytes:
    """Return content filled up to whole blocks."""
    return content + padding(len(content))


def padding(size_bytes: int) -> bytes:
    """Return what has to follow that much content."""
    return bytes(-size_bytes % BLOCK_BYTES)


def _text(records: dict[bytes, bytes], key: bytes, value: bytes) -> bytes:
    """Return what the field holds; a long or non-ASCII value goes into a record."""
    if len(value) > _NAME_BYTES or not value.isascii():
        records[key] = value
        return value[:_NAME_BYTES]
    return value


def _number(records: dict[bytes, bytes], key: bytes, value: int, greatest: int) -> int:
    if 0 <= value <= greatest:
        return value
    records[key] = b"%d" % value
    return 0


def _extended(records: Mapping[bytes, bytes]) -> bytes:
    content = b"".join(_record(key, records[key]) for key in sorted(records))
    return _block(b"PaxHeaders.0/entry", _EXTENDED, b"", (0o644, 0, 0, len(content), 0), (0, 0)) + padded(content)


def _record(key: bytes, value: bytes) -> bytes:
    """`LENGTH key=value\\n`; the length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def _block(
    name: bytes, kind: bytes, link: bytes, numbers: tuple[int, int, int, int, int], device: tuple[int, int]
) -> bytes:
    """Return one block; `numbers` are mode, uid, gid, size and time."""
    start = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0" % (name.ljust(_NAME_BYTES, b"\0"), *numbers)
    end = b"%b%bustar\x0000%b%07o\0%07o\0" % (kind, link.ljust(_NAME_BYTES, b"\0"), bytes(64), *device)
    end = end.ljust(BLOCK_BYTES - len(start) - _CHECKSUM_BYTES, b"\0")
    # The checksum is made as if its own field held blanks.
    total = sum(start) + sum(end) + _CHECKSUM_BYTES * ord(" ")
    return b"%b%06o\0 %b" % (start, total, end)
