"""Removing and measuring trees that somebody else filled: by descriptors, never out of the tree.

A container may leave anything behind: names that change while we look, links, paths far longer
than PATH_MAX, immutable files, something still mounted. None of it may lead to a file outside.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

from runtime.errors import FailedPrecondition, SyscallError
from runtime.syscall import constants as c
from runtime.syscall.mount import openat2

RESOLVE_NO_XDEV = 0x01
"""openat2(2): refuse to cross a mount point, bind mounts included."""
_STAY = RESOLVE_NO_XDEV | c.RESOLVE_NO_SYMLINKS | c.RESOLVE_BENEATH
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_MAX_DEPTH = 40
"""Folders open at once; what lies deeper is first moved up."""
_FS_IOC_GETFLAGS = 0x80086601
_FS_IOC_SETFLAGS = 0x40086602
_FS_LOCKING_FLAGS = 0x10 | 0x20
"""FS_IMMUTABLE_FL and FS_APPEND_FL (chattr +i, +a)."""


def tree_bytes(path: Path) -> int:
    """Return the bytes of all files below a folder, a file with several names once; 0 when it is not there."""
    total = 0
    seen: set[tuple[int, int]] = set()
    for _, _, names, folder in os.fwalk(path):
        for name in names:
            try:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if status.st_nlink == 1 or (status.st_dev, status.st_ino) not in seen:
                total += status.st_size
                seen.add((status.st_dev, status.st_ino))
    return total


def remove_tree(path: Path) -> None:
    """Remove a file or a folder with all that is in it; nothing happens when it is not there.

    Raises FailedPrecondition when something is mounted in it, SyscallError.
    """
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        remove_entry(parent, path.name)
    except OSError as error:
        raise _failure(error, path) from error
    finally:
        os.close(parent)


def remove_entry(parent: int, name: str) -> None:
    """Remove one entry of an open folder, and all below it. Raises OSError."""
    try:
        top = openat2(parent, name, _DIRECTORY, resolve=_STAY)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        _unlocked(os.unlink, parent, name)
        return
    try:
        _empty(top)
    finally:
        os.close(top)
    _unlocked(os.rmdir, parent, name)


def _empty(top: int) -> None:
    lifted = True
    while lifted:
        lifted = _empty_folder(top, top, 0)


def _empty_folder(folder: int, top: int, depth: int) -> bool:
    """Remove what is in a folder; return whether something deep was moved up to `top` instead."""
    lifted = False
    with os.scandir(folder) as entries:
        listing = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in listing:
        if not is_folder:
            _unlocked(os.unlink, folder, name)
        elif depth >= _MAX_DEPTH:
            os.rename(name, f".deep-{os.urandom(8).hex()}", src_dir_fd=folder, dst_dir_fd=top)
            lifted = True
        else:
            lifted |= _remove_folder(folder, name, top, depth)
    return lifted


def _remove_folder(parent: int, name: str, top: int, depth: int) -> bool:
    try:
        child = openat2(parent, name, _DIRECTORY, resolve=_STAY)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return False
        raise
    try:
        lifted = _empty_folder(child, top, depth + 1)
    finally:
        os.close(child)
    _unlocked(os.rmdir, parent, name)
    return lifted


def _unlocked(remove: Callable[..., None], parent: int, name: str) -> None:
    """Remove an entry; when it may not be, take off what locks it or its folder, and try once more."""
    try:
        remove(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except PermissionError:
        _unlock(parent)
        kind = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        # Opening a device or a FIFO does things; neither carries such flags.
        if stat.S_ISREG(kind) or stat.S_ISDIR(kind):
            entry = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
            try:
                _unlock(entry)
            finally:
                os.close(entry)
        remove(name, dir_fd=parent)


def _unlock(descriptor: int) -> None:
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode) | stat.S_IRWXU)
    try:
        flags = int.from_bytes(fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, bytes(8))[:4], "little")
        if flags & _FS_LOCKING_FLAGS:
            fcntl.ioctl(descriptor, _FS_IOC_SETFLAGS, (flags & ~_FS_LOCKING_FLAGS).to_bytes(8, "little"))
    except OSError as error:
        if error.errno not in (errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL):
            raise


def _failure(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.EXDEV, errno.EBUSY):
        return FailedPrecondition(f"cannot remove `{path}`: something is mounted in it")
    return SyscallError(error.errno or errno.EIO, "remove", str(path))
