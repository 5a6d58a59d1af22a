"""The folders of a layer while it is unpacked: found, made, described and timed by descriptor.

Consecutive entries of a tar mostly share their parent, so a few descriptors stay open. Whatever is
removed closes them all, at the next `settle`: any of them may have been reached through it.
"""

import errno
import os
import stat
from collections.abc import Sequence
from types import TracebackType

from runtime.errors import InvalidArgument
from runtime.syscall import constants as c
from runtime.syscall.mount import openat2
from runtime.syscall.tree import remove_entry

PathParts = tuple[str, ...]
OVERLAY_PREFIX = "trusted.overlay."
OPAQUE_ATTRIBUTE = f"{OVERLAY_PREFIX}opaque"
_OPEN_FOLDERS = 32
_RESOLVE = c.RESOLVE_IN_ROOT | c.RESOLVE_NO_MAGICLINKS
_FLAGS = os.O_RDONLY | os.O_DIRECTORY


class Folders:
    """Folders below `root`, by their path in the image."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._open: dict[PathParts, int] = {}
        self._retired: list[int] = []
        self._stale = False
        self._modified: dict[PathParts, int] = {}
        self.implied: set[PathParts] = set()
        """Made for the sake of what is in them; no entry described them."""

    def __enter__(self) -> "Folders":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def settle(self) -> None:
        """Call between two entries, when no descriptor from here is in use."""
        if self._stale or len(self._open) > _OPEN_FOLDERS:
            self._close()

    def find(self, path: PathParts) -> int | None:
        """Return a descriptor of a folder, good until `settle`; None when nothing is there. Raises OSError."""
        if not path:
            return self._root
        descriptor = None if self._stale else self._open.get(path)
        if descriptor is None:
            try:
                descriptor = openat2(self._root, "/".join(path), _FLAGS, resolve=_RESOLVE)
            except OSError as error:
                if error.errno == errno.ENOENT:
                    return None
                raise
            self._keep(path, descriptor)
        return descriptor

    def open(self, path: PathParts) -> int:
        """Return the folder an entry goes into, made with its parents when the tar left them out.

        Raises OSError, and InvalidArgument when something else is in the way.
        """
        depth = len(path)
        while (descriptor := self._existing(path[:depth])) is None:
            depth -= 1
        for end in range(depth + 1, len(path) + 1):
            below = self._imply(descriptor, path[:end])
            if end > depth + 1:
                os.close(descriptor)
            descriptor = below
        if depth < len(path):
            self._keep(path, descriptor)
        return descriptor

    def make(self, parent: int, path: PathParts) -> None:
        """Make sure a folder, not a link to one, has this name: for an entry that is a folder."""
        name = path[-1]
        status = _status(parent, name)
        if status is not None and stat.S_ISDIR(status.st_mode):
            return
        if status is not None:
            self._remove(parent, name)
        os.mkdir(name, 0o755, dir_fd=parent)
        if status is not None and is_whiteout(status):
            # Hidden and made anew by the same layer: nothing of the layers below is in it.
            set_attributes(f"/proc/self/fd/{parent}/{name}", [(OPAQUE_ATTRIBUTE, b"y")])

    def describe(
        self, path: PathParts, owner: tuple[int, int], mode: int, attributes: Sequence[tuple[str, bytes]], modified: int
    ) -> None:
        """Give a folder its owner, mode and attributes now, and its time (in ns) at the end."""
        if path:
            parent = self.open(path[:-1])
            descriptor = os.open(path[-1], _FLAGS | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        else:
            descriptor = os.dup(self._root)
        try:
            os.fchown(descriptor, *owner)
            set_attributes(descriptor, attributes)
            os.fchmod(descriptor, stat.S_IMODE(mode))
        finally:
            os.close(descriptor)
        self._modified[path] = modified
        self.implied.discard(path)

    def clear(self, parent: int, name: str) -> None:
        """Make room for an entry that is no folder."""
        if _status(parent, name) is not None:
            self._remove(parent, name)

    def hide(self, path: PathParts) -> None:
        """Hide what the layers below have at `path`; what this layer has there stays (layer.md)."""
        parent = self.open(path[:-1])
        status = _status(parent, path[-1])
        if status is None:
            os.mknod(path[-1], stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent)
        elif stat.S_ISDIR(status.st_mode):
            set_attributes(f"/proc/self/fd/{parent}/{path[-1]}", [(OPAQUE_ATTRIBUTE, b"y")])
            self.implied.discard(path)

    def hide_below(self, path: PathParts) -> None:
        """Hide everything the layers below have in a folder."""
        set_attributes(self.open(path), [(OPAQUE_ATTRIBUTE, b"y")])

    def set_times(self) -> None:
        """Set the times of all folders, after the last thing was written into them."""
        for path, modified in self._modified.items():
            self.settle()
            try:
                descriptor = self.find(path)
            except OSError:
                continue  # something else stands there now
            if descriptor is not None:
                os.utime(descriptor, ns=(modified, modified))

    def _existing(self, path: PathParts) -> int | None:
        try:
            return self.find(path)
        except OSError as error:
            # Perhaps a whiteout is in the way, which a folder of the same layer may replace.
            if error.errno == errno.ENOTDIR:
                return None
            raise

    def _imply(self, parent: int, path: PathParts) -> int:
        """Make a folder nobody described yet; return a descriptor of it."""
        name = path[-1]
        status = _status(parent, name)
        if status is None:
            self.implied.add(path)
        elif not is_whiteout(status):
            raise InvalidArgument(f"`{'/'.join(path):.200}` is not a folder, and leads to none")
        self.make(parent, path)
        descriptor = os.open(name, _FLAGS | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        # Neither the umask nor a setgid parent has a say in an image.
        os.fchown(descriptor, 0, 0)
        os.fchmod(descriptor, 0o755)
        return descriptor

    def _keep(self, path: PathParts, descriptor: int) -> None:
        if path in self._open:
            # Reached through something that was removed; who has it may use it until `settle`.
            self._retired.append(self._open[path])
        self._open[path] = descriptor

    def _remove(self, parent: int, name: str) -> None:
        remove_entry(parent, name)
        self._stale = True

    def _close(self) -> None:
        for descriptor in (*self._open.values(), *self._retired):
            os.close(descriptor)
        self._open.clear()
        self._retired.clear()
        self._stale = False


def set_attributes(target: int | str, attributes: Sequence[tuple[str, bytes]]) -> None:
    """Set extended attributes, on a name never through a link. Raises OSError.

    As Docker does, one that this file system has no place for is left out: EOPNOTSUPP, and EPERM for
    `user.` on links and devices (xattr(7)).
    """
    for name, value in attributes:
        try:
            if isinstance(target, int):
                os.setxattr(target, name, value)
            else:
                os.setxattr(target, name, value, follow_symlinks=False)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP and not (error.errno == errno.EPERM and name.startswith("user.")):
                raise


def is_whiteout(status: os.stat_result) -> bool:
    """Whether a node is overlayfs's mark for "not there" (kernel overlayfs.rst, "whiteouts")."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def inherit(root: int, implied: Sequence[PathParts], below: Sequence[str]) -> None:
    """Give implied folders the owner, mode and attributes they have in the layers `below`, topmost first.

    overlayfs shows the topmost layer's: a made-up 0755 would hide, say, the 1777 of /tmp. Raises OSError.
    """
    for path in implied:
        target = _folder(root, path, _RESOLVE | c.RESOLVE_NO_SYMLINKS)
        if target is None:
            continue
        try:
            _inherit_from(target, path, below)
        finally:
            os.close(target)


def _inherit_from(target: int, path: PathParts, below: Sequence[str]) -> None:
    for layer in below:
        root = os.open(layer, _FLAGS | os.O_CLOEXEC)
        try:
            source = _folder(root, path, _RESOLVE)
        finally:
            os.close(root)
        if source is None:
            continue
        try:
            status = os.fstat(source)
            names = [name for name in os.listxattr(source) if not name.startswith(OVERLAY_PREFIX)]
            os.fchown(target, status.st_uid, status.st_gid)
            set_attributes(target, [(name, os.getxattr(source, name)) for name in names])
            os.fchmod(target, stat.S_IMODE(status.st_mode))
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(source)
        return


def _folder(root: int, path: PathParts, resolve: int) -> int | None:
    try:
        return openat2(root, "/".join(path), _FLAGS, resolve=resolve)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise


def _status(parent: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
