"""Mount points that a step needs and the image has not: made before, removed after, so that no image gets them.

What is removed is what was made: found without following a link, by its inode, and only while it is empty. A program
that puts a link in the place of a folder on the way leads nobody out (CVE-2024-23652).
"""

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress

from runtime.build.files.target import Place, TargetTree
from runtime.launch.tree import split_path
from runtime.syscall import constants as c
from runtime.syscall.mount import openat2
from runtime.syscall.tree import RESOLVE_NO_XDEV
from schemas.dataclass import dataclass

_STRAIGHT = c.RESOLVE_BENEATH | c.RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV
_FOLDER = os.O_RDONLY | os.O_DIRECTORY


@dataclass(frozen=True, slots=True)
class Stub:
    """An empty file or folder that was made."""

    path: str
    """Without links, relative to the root."""
    inode: int


def make_stubs(root: int, targets: Iterable[tuple[str, bool]]) -> list[Stub]:
    """Make what is missing of mount points (path, whether a folder); return it in order. Raises SyscallError."""
    tree = _Recorder(root)
    for path, is_folder in _outermost(targets):
        times = _times_above(tree, path)
        if is_folder:
            os.close(tree.folder(path))
        else:
            place = tree.place_of(path)
            if place.status() is None:
                os.close(os.open(place.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=place.parent))
                tree.record(place)
            os.close(place.parent)
        for folder, times_ns in times:
            os.utime(f"/proc/self/fd/{folder}", ns=times_ns)
            os.close(folder)
    return tree.stubs


def remove_stubs(upper: int, stubs: Iterable[Stub]) -> None:
    """Remove what is still there as it was made, the last first; the folder it is in keeps its time. Raises OSError."""
    for stub in reversed(list(stubs)):
        folder_path, _, name = stub.path.rpartition("/")
        try:
            folder = openat2(upper, folder_path or ".", _FOLDER, resolve=_STRAIGHT)
        except OSError:
            continue  # the program moved it away
        try:
            _remove(folder, name, stub.inode)
        finally:
            os.close(folder)


class _Recorder(TargetTree):
    """A root that remembers what was made in it."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self.stubs: list[Stub] = []

    def made(self, parent: int, name: str) -> None:
        """Remember a folder."""
        super().made(parent, name)
        self.record(Place(parent, name))

    def record(self, place: Place) -> None:
        """Remember something new."""
        inode = os.stat(place.name, dir_fd=place.parent, follow_symlinks=False).st_ino
        self.stubs.append(Stub(self.real_path(place).lstrip("/"), inode))


def _outermost(targets: Iterable[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Return the targets that lie in no other: those that do are made in what is mounted there."""
    wanted = {"/".join(split_path(path)): is_folder for path, is_folder in targets}
    return [
        (path, is_folder)
        for path, is_folder in sorted(wanted.items())
        if not any(path.startswith(f"{other}/") for other in wanted)
    ]


def _times_above(tree: TargetTree, path: str) -> list[tuple[int, tuple[int, int]]]:
    """Return the folder that something will be made in for a path, with its times; nothing when all is there."""
    parts = split_path(path)
    with suppress(OSError):
        os.close(tree.open("/".join(parts)))
        return []
    for length in range(len(parts) - 1, -1, -1):
        try:
            folder = tree.open("/".join(parts[:length]), os.O_PATH | os.O_DIRECTORY)
        except OSError:
            continue
        status = os.fstat(folder)
        return [(folder, (status.st_atime_ns, status.st_mtime_ns))]
    return []


def _remove(folder: int, name: str, inode: int) -> None:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if status.st_ino != inode:
        return
    above = os.fstat(folder)
    if stat.S_ISDIR(status.st_mode):
        try:
            os.rmdir(name, dir_fd=folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return
    elif stat.S_ISREG(status.st_mode) and status.st_size == 0:
        os.unlink(name, dir_fd=folder)
    else:
        return
    os.utime(folder, ns=(above.st_atime_ns, above.st_mtime_ns))
