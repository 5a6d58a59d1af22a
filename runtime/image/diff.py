"""What a container changed, as a layer: overlayfs's upper folder read back into OCI's form.

The result depends on nothing but what changed: entries are sorted, times are whole seconds (as Docker's are),
and what was only copied up, or opened and left as it was, is no change. Sources: OCI image-spec, layer.md
("Change Types", "Whiteouts"); kernel overlayfs.rst ("whiteouts and opaque directories").
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import field

from runtime.errors import InvalidArgument
from runtime.image import tar_header
from runtime.image.content import CHUNK_BYTES
from runtime.image.entries import XATTR_PREFIX
from runtime.image.folders import OPAQUE_ATTRIBUTE, OVERLAY_PREFIX, is_whiteout
from runtime.image.layer import OPAQUE, WHITEOUT
from runtime.image.tar_header import Entry
from schemas.dataclass import dataclass

_DROPPED = (OVERLAY_PREFIX, "user.overlay.", "security.")
"""Marks of overlayfs, and labels that are this machine's (SELinux, IMA)."""
_CAPABILITY = "security.capability"
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ROOT_MODE = 0o755
_SECOND_NS = 10**9
_GREATEST_DEPTH = 256
"""Each level keeps descriptors open."""
_LEAST_HOLE_BYTES = 1 << 20
"""A file is stored with its holes when they are this much: the form is not read by every tool."""


@dataclass(frozen=True, slots=True)
class Content:
    """A region of a file below the layer's folder, which stands in the archive as it is."""

    path: bytes
    offset: int
    length: int
    descriptor: int = -1
    """Of the file, open until the next piece is asked for; below 0 it is yet to be opened."""


Piece = bytes | Content
"""What an archive is made of, one after the other."""


@dataclass(slots=True)
class Difference:
    """What becomes of the files while the pieces are read, and how much it was."""

    clamp_s: int | None = None
    """SOURCE_DATE_EPOCH: nothing is later in the archive."""
    purge: bool = False
    """Take out of the folder what is not in the archive, so that both are the same layer whatever is below."""
    size_bytes: int = 0
    """Of all files."""
    links: dict[tuple[int, int], bytes] = field(default_factory=dict)
    """The first name of each file that has several."""

    def header(
        self, path: bytes, status: os.stat_result, attributes: dict[str, bytes], kind: bytes, link: bytes = b""
    ) -> bytes:
        """Return the header of something without content."""
        return tar_header.header(self.entry(path, status, attributes, kind, link))

    def entry(
        self, path: bytes, status: os.stat_result, attributes: dict[str, bytes], kind: bytes, link: bytes = b""
    ) -> Entry:
        """Return an entry that describes a file."""
        is_device = kind in (tar_header.CHARACTER, tar_header.BLOCK)
        modified = status.st_mtime_ns // _SECOND_NS
        return Entry(
            name=path,
            type=kind,
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
            size_bytes=status.st_size if kind == tar_header.REGULAR else 0,
            modified_s=modified if self.clamp_s is None else min(modified, self.clamp_s),
            link=link,
            device=(os.major(status.st_rdev), os.minor(status.st_rdev)) if is_device else (0, 0),
            records={XATTR_PREFIX.encode() + name.encode(): value for name, value in attributes.items()},
        )

    def mark(self, path: bytes) -> bytes:
        """Return a whiteout."""
        return tar_header.header(Entry(path, tar_header.REGULAR, 0))

    def settle_folder(self, folder: int, status: os.stat_result) -> None:
        """Give a folder its time back after something in it was removed, or an earlier one."""
        if self.purge:
            os.utime(folder, ns=self._times(status))

    def settle(self, parent: int, name: bytes, status: os.stat_result) -> None:
        """Give anything else an earlier time where it is too late."""
        if self.purge and self.clamp_s is not None and status.st_mtime_ns > self.clamp_s * _SECOND_NS:
            os.utime(name, ns=self._times(status), dir_fd=parent, follow_symlinks=False)

    def _times(self, status: os.stat_result) -> tuple[int, int]:
        latest = status.st_mtime_ns if self.clamp_s is None else self.clamp_s * _SECOND_NS
        return min(status.st_atime_ns, latest), min(status.st_mtime_ns, latest)


def pieces(upper: int, lowers: Sequence[int], difference: Difference) -> Iterator[Piece]:
    """Yield the archive of an open upper folder on top of open lower ones, topmost first.

    Raises OSError. What is read must not change meanwhile.
    """
    status = os.fstat(upper)
    attributes = attributes_of(upper)
    if (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) != (_ROOT_MODE, 0, 0) or attributes:
        yield difference.header(b"./", status, attributes, tar_header.FOLDER)
    yield from _inside(difference, upper, b"", list(lowers))
    yield tar_header.END_OF_ARCHIVE


def _inside(difference: Difference, folder: int, prefix: bytes, lowers: list[int]) -> Iterator[Piece]:
    """Yield what is in a folder: first what it hides, then what it has."""
    if prefix.count(b"/") > _GREATEST_DEPTH:
        raise InvalidArgument(f"folders are nested more than {_GREATEST_DEPTH} deep: `{os.fsdecode(prefix):.100}…`")
    hidden: list[bytes] = []
    found: list[tuple[bytes, os.stat_result]] = []
    for name in sorted(map(os.fsencode, os.listdir(folder))):
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if is_whiteout(status):
            hidden.append(name)
        else:
            found.append((name, status))
    for name in hidden:
        yield difference.mark(prefix + WHITEOUT.encode() + name)
    for name, status in found:
        if stat.S_ISDIR(status.st_mode):
            yield from _folder(difference, folder, prefix + name, status, lowers)
        elif stat.S_ISSOCK(status.st_mode) or _is_unchanged(folder, name, status, lowers):
            if difference.purge:
                os.unlink(name, dir_fd=folder)
        else:
            yield from _other(difference, folder, prefix + name, status)


def _folder(
    difference: Difference, parent: int, path: bytes, status: os.stat_result, lowers: list[int]
) -> Iterator[Piece]:
    name = path.rpartition(b"/")[2]
    with ExitStack() as opened:
        folder = os.open(name, _FOLDER_FLAGS, dir_fd=parent)
        opened.callback(os.close, folder)
        below = _folders_below(lowers, name, opened)
        attributes = attributes_of(folder)
        head = [difference.header(path + b"/", status, attributes, tar_header.FOLDER)]
        is_opaque = _is_opaque(folder)
        if is_opaque and below:
            head.append(difference.mark(path + b"/" + OPAQUE.encode()))
            below = []
        elif is_opaque and difference.purge:
            # overlayfs marks every new folder so, to save itself a look below.
            os.removexattr(folder, OPAQUE_ATTRIBUTE)
        if not below or not _is_same_folder(status, attributes, below[0]):
            yield from head
            head.clear()
        for piece in _inside(difference, folder, path + b"/", below):
            # A folder that is as it was is told of all the same when something in it is not: who unpacks a
            # layer must not have to guess its owner.
            yield from head
            head.clear()
            yield piece
        difference.settle_folder(folder, status)
    if head and difference.purge:
        os.rmdir(name, dir_fd=parent)


def _other(difference: Difference, parent: int, path: bytes, status: os.stat_result) -> Iterator[Piece]:
    name = path.rpartition(b"/")[2]
    kind = tar_header.type_of(status.st_mode)
    first = difference.links.setdefault((status.st_dev, status.st_ino), path) if status.st_nlink > 1 else path
    if first != path:
        yield difference.header(path, status, {}, tar_header.HARD_LINK, first)
    elif kind == tar_header.REGULAR:
        yield from _file(difference, parent, path, status)
    else:
        place = f"/proc/self/fd/{parent}/{os.fsdecode(name)}"
        target = os.readlink(name, dir_fd=parent) if kind == tar_header.SYMLINK else b""
        difference.size_bytes += len(target)
        yield difference.header(path, status, attributes_of(place), kind, target)
    difference.settle(parent, name, status)


def _file(difference: Difference, parent: int, path: bytes, status: os.stat_result) -> Iterator[Piece]:
    descriptor = os.open(path.rpartition(b"/")[2], _FILE_FLAGS, dir_fd=parent)
    try:
        regions = _regions(descriptor, status)
        entry = difference.entry(path, status, attributes_of(descriptor), tar_header.REGULAR)
        if regions is None:
            regions = [(0, status.st_size)]
            yield tar_header.header(entry)
        else:
            yield tar_header.sparse(entry, regions, status.st_size)
        for offset, length in regions:
            yield Content(path, offset, length, descriptor)
    finally:
        os.close(descriptor)
    stored = sum(length for _, length in regions)
    yield tar_header.padding(stored)
    difference.size_bytes += stored


def _folders_below(lowers: list[int], name: bytes, opened: ExitStack) -> list[int]:
    """Return the folders of that name which overlayfs merges, topmost first."""
    found: list[int] = []
    for lower in lowers:
        try:
            status = os.stat(name, dir_fd=lower, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if not stat.S_ISDIR(status.st_mode):
            break
        folder = os.open(name, _FOLDER_FLAGS, dir_fd=lower)
        opened.callback(os.close, folder)
        found.append(folder)
        if _is_opaque(folder):
            break
    return found


def _is_unchanged(parent: int, name: bytes, status: os.stat_result, lowers: list[int]) -> bool:
    """Whether a file is what the layers below have: it was copied up, and nothing came of it.

    One with several names is none: what it was linked to would lose the link.
    """
    if status.st_nlink > 1:
        return False
    for lower in lowers:
        try:
            below = os.stat(name, dir_fd=lower, follow_symlinks=False)
        except FileNotFoundError:
            continue
        return _is_same(status, below) and _is_same_content(parent, lower, name, status)
    return False


def _is_same(status: os.stat_result, below: os.stat_result) -> bool:
    return (
        (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns)
        == (below.st_mode, below.st_uid, below.st_gid, below.st_mtime_ns)
        and (stat.S_ISDIR(status.st_mode) or (status.st_size, status.st_rdev) == (below.st_size, below.st_rdev))
    )  # fmt: skip


def _is_same_folder(status: os.stat_result, attributes: dict[str, bytes], below: int) -> bool:
    return _is_same(status, os.fstat(below)) and attributes == attributes_of(below)


def _is_same_content(parent: int, lower: int, name: bytes, status: os.stat_result) -> bool:
    places = [f"/proc/self/fd/{folder}/{os.fsdecode(name)}" for folder in (parent, lower)]
    if attributes_of(places[0]) != attributes_of(places[1]):
        return False
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(name, dir_fd=parent) == os.readlink(name, dir_fd=lower)
    if not stat.S_ISREG(status.st_mode):
        return True
    with (
        open(os.open(name, _FILE_FLAGS, dir_fd=parent), "rb", buffering=0) as ours,
        open(os.open(name, _FILE_FLAGS, dir_fd=lower), "rb", buffering=0) as theirs,
    ):
        while True:
            piece = ours.read(CHUNK_BYTES)
            if piece != theirs.read(CHUNK_BYTES):
                return False
            if not piece:
                return True


def _is_opaque(folder: int) -> bool:
    try:
        return os.getxattr(folder, OPAQUE_ATTRIBUTE) == b"y"
    except OSError:
        return False


def attributes_of(target: int | str) -> dict[str, bytes]:
    """Return what of the extended attributes belongs to the file, not to this machine."""
    follow = isinstance(target, int)
    try:
        names = os.listxattr(target, follow_symlinks=follow)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return {}
        raise
    kept = [name for name in names if name == _CAPABILITY or not name.startswith(_DROPPED)]
    return {name: os.getxattr(target, name, follow_symlinks=follow) for name in sorted(kept)}


def _regions(descriptor: int, status: os.stat_result) -> list[tuple[int, int]] | None:
    """Return where a file has data, when it has holes worth telling of."""
    size = status.st_size
    if size - status.st_blocks * 512 < _LEAST_HOLE_BYTES:
        return None
    regions: list[tuple[int, int]] = []
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            break  # a hole up to the end
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        regions.append((start, end - start))
    if end < size:
        regions.append((size, 0))
    return regions
