"""Unpacking a layer's tar into a folder that overlayfs can take as a lower directory.

OCI image-spec, layer.md ("Representing changes", "Whiteouts"). The tar is hostile: every path is
resolved inside the folder by openat2(RESOLVE_IN_ROOT), so that a parent that is a symbolic link leads
where it would in the container, and nothing is ever written through a name outside.
"""

import errno
import os
import stat
import tarfile

from runtime.errors import EngineError, InvalidArgument, ResourceExhausted, SyscallError
from runtime.image.entries import Entries, Limits, attributes, configured_limits, modified_ns, owner, path_of
from runtime.image.folders import Folders, PathParts, is_whiteout, set_attributes
from runtime.image.streams import Hashed
from schemas.dataclass import dataclass

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_AUFS = ".wh..wh."
_IMPOSSIBLE = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.EISDIR, errno.EMLINK}
)
_NODES = {tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO}


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a layer turned out to be."""

    size_bytes: int
    """Of its files."""
    implied: tuple[PathParts, ...]
    """Folders the tar has no entry for, but files in: their owner and mode are those of the layer below."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How an archive is unpacked that is no layer: ADD's."""

    owner: tuple[int, int] | None = None
    """Of everything, instead of each entry's own."""
    is_layer: bool = True
    """Whether there are whiteouts; otherwise their names are nothing special."""


LAYER = Manner()


def unpack(source: Hashed, root: int, limits: Limits | None = None, manner: Manner = LAYER) -> Unpacked:
    """Unpack a whole uncompressed tar below the open folder `root`.

    Raises InvalidArgument for what no image may contain, SyscallError when the file system refuses.
    """
    entries = Entries(source, limits or configured_limits())
    with Folders(root) as folders:
        writer = _Writer(folders, entries, manner)
        for member in entries:
            folders.settle()
            try:
                writer.add(member)
            except OSError as error:
                raise _failure(error, member.name) from error
            except ValueError as error:
                raise InvalidArgument(f"the image cannot have {member.name!r:.200}: {error}") from error
        folders.set_times()
        return Unpacked(entries.size_bytes, tuple(sorted(folders.implied)))


class _Writer:
    def __init__(self, folders: Folders, entries: Entries, manner: Manner) -> None:
        self._folders = folders
        self._entries = entries
        self._manner = manner

    def add(self, member: tarfile.TarInfo) -> None:
        path = path_of(member.name)
        if not path:
            self._add_root(member)
            return
        if self._manner.is_layer and (any(part.startswith(_AUFS) for part in path[:-1]) or self._is_whiteout(path)):
            return
        parent = self._folders.open(path[:-1])
        name = path[-1]
        if member.isdir():
            self._add_folder(member, parent, path)
        elif member.islnk():
            self._add_hard_link(member, parent, path)
        else:
            try:
                self._add_node(member, parent, name)
            except FileExistsError:
                self._folders.clear(parent, name)
                self._add_node(member, parent, name)

    def _add_root(self, member: tarfile.TarInfo) -> None:
        if not member.isdir():
            raise InvalidArgument(f"the root of the image is not a folder: `{member.name}`")
        self._folders.describe((), self._owner(member), member.mode, attributes(member), modified_ns(member))

    def _is_whiteout(self, path: PathParts) -> bool:
        name = path[-1]
        if not name.startswith(WHITEOUT):
            return False
        if name == OPAQUE:
            self._folders.hide_below(path[:-1])
        elif not name.startswith(_AUFS):
            hidden = name.removeprefix(WHITEOUT)
            if hidden in ("", ".", ".."):
                raise InvalidArgument(f"`{'/'.join(path)}` hides nothing that can be named")
            self._folders.hide((*path[:-1], hidden))
        return True

    def _add_folder(self, member: tarfile.TarInfo, parent: int, path: PathParts) -> None:
        self._folders.make(parent, path)
        self._folders.describe(path, self._owner(member), member.mode, attributes(member), modified_ns(member))

    def _add_hard_link(self, member: tarfile.TarInfo, parent: int, path: PathParts) -> None:
        target = path_of(member.linkname)
        source = self._folders.find(target[:-1]) if target else None
        if source is None or not _can_be_linked(source, target[-1]):
            raise InvalidArgument(
                f"`{member.name:.200}` is a hard link to `{member.linkname:.200}`, which the layer has not"
            )
        # What the name stood for before may be the link's own target.
        temporary = f"{WHITEOUT}link-{os.urandom(8).hex()}"
        os.link(target[-1], temporary, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        self._folders.clear(parent, path[-1])
        os.rename(temporary, path[-1], src_dir_fd=parent, dst_dir_fd=parent)

    def _add_node(self, member: tarfile.TarInfo, parent: int, name: str) -> None:
        """Make anything but a folder or a link. Raises FileExistsError, with nothing done, when something is there."""
        if member.isreg():
            self._add_file(member, parent, name)
            return
        if member.issym():
            os.symlink(member.linkname, name, dir_fd=parent)
        elif member.type in _NODES:
            device = os.makedev(member.devmajor, member.devminor) if not member.isfifo() else 0
            os.mknod(name, _NODES[member.type] | 0o600, device, dir_fd=parent)
        else:
            raise InvalidArgument(f"`{member.name}` is of a type no image may contain: {member.type!r}")
        uid, gid = self._owner(member)
        os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        set_attributes(f"/proc/self/fd/{parent}/{name}", attributes(member))
        if not member.issym():
            # Nothing but this process writes here, so the name is still the node just made.
            os.chmod(name, stat.S_IMODE(member.mode), dir_fd=parent)
        modified = modified_ns(member)
        os.utime(name, ns=(modified, modified), dir_fd=parent, follow_symlinks=False)

    def _owner(self, member: tarfile.TarInfo) -> tuple[int, int]:
        return self._manner.owner or owner(member)

    def _add_file(self, member: tarfile.TarInfo, parent: int, name: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o600, dir_fd=parent)
        try:
            for offset, piece in self._entries.content(member):
                write_at(descriptor, offset, piece)
            if member.issparse():
                os.ftruncate(descriptor, member.size)
            # chown clears setuid and capabilities, so it comes first.
            os.fchown(descriptor, *self._owner(member))
            set_attributes(descriptor, attributes(member))
            os.fchmod(descriptor, stat.S_IMODE(member.mode))
            modified = modified_ns(member)
            os.utime(descriptor, ns=(modified, modified))
        finally:
            os.close(descriptor)


def write_at(descriptor: int, offset: int, content: bytes) -> None:
    """Write all of some bytes at a place of a file. Raises OSError."""
    remaining = memoryview(content)
    while remaining:
        written = os.pwrite(descriptor, remaining, offset)
        remaining, offset = remaining[written:], offset + written


def _can_be_linked(parent: int, name: str) -> bool:
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return not is_whiteout(status) and not stat.S_ISDIR(status.st_mode)


def _failure(error: OSError, name: str) -> EngineError:
    if error.errno in _IMPOSSIBLE:
        return InvalidArgument(f"the image cannot have `{name:.200}`: {os.strerror(error.errno)}")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ResourceExhausted(f"no space is left to unpack `{name:.200}`")
    return SyscallError(error.errno or errno.EIO, "unpack", name)
