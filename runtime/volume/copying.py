"""Copying a tree with everything it has: owners, modes, times, attributes, hard links, nodes, holes left out.

Both sides are reached by descriptor and relative path, links never followed, so that neither reading nor
writing leaves its tree. A copy that was cut short can be made again over itself.
"""

import errno
import os
import stat
from dataclasses import field

from runtime.syscall import constants as c
from runtime.syscall.mount import openat2
from runtime.syscall.tree import remove_entry
from schemas.dataclass import dataclass

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_STAY = c.RESOLVE_BENEATH | c.RESOLVE_NO_SYMLINKS
_CHUNK_BYTES = 1 << 24
_OVERLAY_PREFIXES = ("trusted.overlay.", "user.overlay.")


@dataclass(slots=True)
class _Copy:
    source: int
    destination: int
    linked: dict[tuple[int, int], str] = field(default_factory=dict)
    """First place of every file with several names."""
    folders: list[str] = field(default_factory=list)


def copy_tree(source: int, destination: int) -> None:
    """Copy what is in one open folder into another, and the folder's own owner, mode and times. Raises OSError."""
    copy = _Copy(source, destination)
    pending = ["."]
    while pending:
        relative = pending.pop()
        copy.folders.append(relative)
        pending.extend(_copy_folder(copy, relative))
    # From the inside out: what is written into a folder changes its time.
    for relative in reversed(copy.folders):
        original = openat2(source, relative, _FLAGS, resolve=_STAY)
        twin = openat2(destination, relative, _FLAGS, resolve=_STAY)
        try:
            _describe(original, twin)
        finally:
            os.close(original)
            os.close(twin)


def _copy_folder(copy: _Copy, relative: str) -> list[str]:
    """Copy the entries of one folder; return the folders in it, made and still empty."""
    original = openat2(copy.source, relative, _FLAGS, resolve=_STAY)
    twin = openat2(copy.destination, relative, _FLAGS, resolve=_STAY)
    try:
        found = []
        with os.scandir(original) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                status = entry.stat(follow_symlinks=False)
                path = f"{relative}/{entry.name}"
                if stat.S_ISDIR(status.st_mode):
                    _make_folder(twin, entry.name)
                    found.append(path)
                elif not _is_skipped(status):
                    _copy_entry(copy, original, twin, path, status)
        return found
    finally:
        os.close(original)
        os.close(twin)


def _copy_entry(copy: _Copy, original: int, twin: int, path: str, status: os.stat_result) -> None:
    name = path.rpartition("/")[2]
    remove_entry(twin, name)
    if status.st_nlink > 1:
        identity = (status.st_dev, status.st_ino)
        if (first := copy.linked.setdefault(identity, path)) != path:
            os.link(first, name, src_dir_fd=copy.destination, dst_dir_fd=twin, follow_symlinks=False)
            return
    if stat.S_ISREG(status.st_mode):
        _copy_file(original, twin, name)
        return
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=original), name, dir_fd=twin)
    else:
        os.mknod(name, stat.S_IFMT(status.st_mode) | 0o600, status.st_rdev, dir_fd=twin)
    os.chown(name, status.st_uid, status.st_gid, dir_fd=twin, follow_symlinks=False)
    _copy_attributes(f"/proc/self/fd/{original}/{name}", f"/proc/self/fd/{twin}/{name}")
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=twin)
    os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=twin, follow_symlinks=False)


def _copy_file(original: int, twin: int, name: str) -> None:
    reading = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=original)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        writing = os.open(name, flags, 0o600, dir_fd=twin)
        try:
            _copy_content(reading, writing)
            _describe(reading, writing)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _copy_content(reading: int, writing: int) -> None:
    try:
        # Shares the blocks where the file system can.
        while os.copy_file_range(reading, writing, _CHUNK_BYTES):
            pass
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        while os.sendfile(writing, reading, None, _CHUNK_BYTES):
            pass


def _describe(original: int, twin: int) -> None:
    """Give a copy its owner, attributes, mode and times, in this order: chown clears setuid and capabilities."""
    status = os.fstat(original)
    os.fchown(twin, status.st_uid, status.st_gid)
    _copy_attributes(original, twin)
    os.fchmod(twin, stat.S_IMODE(status.st_mode))
    os.utime(twin, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy_attributes(original: int | str, twin: int | str) -> None:
    for name in _attribute_names(original):
        if name.startswith(_OVERLAY_PREFIXES):
            continue
        try:
            if isinstance(original, int):
                os.setxattr(twin, name, os.getxattr(original, name))
            else:
                value = os.getxattr(original, name, follow_symlinks=False)
                os.setxattr(twin, name, value, follow_symlinks=False)
        except OSError as error:
            # As for layers: what the volume's file system has no place for is left out.
            if error.errno not in (errno.EOPNOTSUPP, errno.ENODATA):
                raise


def _attribute_names(target: int | str) -> list[str]:
    try:
        return os.listxattr(target) if isinstance(target, int) else os.listxattr(target, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return []
        raise


def _make_folder(parent: int, name: str) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            remove_entry(parent, name)
            os.mkdir(name, 0o700, dir_fd=parent)


def _is_skipped(status: os.stat_result) -> bool:
    # Sockets are of a process that is not there; 0:0 is a whiteout of a lowest layer.
    return stat.S_ISSOCK(status.st_mode) or (stat.S_ISCHR(status.st_mode) and status.st_rdev == 0)
