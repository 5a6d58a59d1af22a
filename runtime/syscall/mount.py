"""Mounts: the file-descriptor API of Linux 5.2 and 5.12, openat2, and what of mount(2) is still needed.

Descriptors returned are close-on-exec and the caller's to close. All functions raise SyscallError.
See mount_setattr(2), openat2(2), fsopen(2) (man-pages 6.10), pivot_root(2).
"""

import ctypes
import errno
import os
from collections.abc import Iterable

from runtime.errors import SyscallError
from runtime.syscall import constants as c
from runtime.syscall.libc import bytes_t, check, function, int_t, pointer_t, raw, ulong_t

_mount = function("mount", bytes_t, bytes_t, bytes_t, ulong_t, bytes_t)
_umount2 = function("umount2", bytes_t, int_t)
_pivot_root = raw(bytes_t, bytes_t)
_fsopen = raw(bytes_t, ctypes.c_uint)
_fsconfig = raw(int_t, ctypes.c_uint, bytes_t, bytes_t, int_t)
_fsmount = raw(int_t, ctypes.c_uint, ctypes.c_uint)
_move_mount = raw(int_t, bytes_t, int_t, bytes_t, ctypes.c_uint)
_open_tree = raw(int_t, bytes_t, ctypes.c_uint)
_mount_setattr = raw(int_t, bytes_t, ctypes.c_uint, pointer_t, ctypes.c_size_t)
_openat2 = raw(int_t, bytes_t, pointer_t, ctypes.c_size_t)
_fstatfs = function("fstatfs", int_t, pointer_t)

_RACE_RETRIES = 64


class _MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


class _OpenHow(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "mode", "resolve")]


def mount(source: str, target: str, filesystem: str | None, flags: int, options: str = "") -> None:
    """mount(2), for the propagation of whole trees and for kernels without `lowerdir+`."""
    result = _mount(
        os.fsencode(source),
        os.fsencode(target),
        filesystem.encode() if filesystem else None,
        flags,
        os.fsencode(options) if options else None,
    )
    check(result, "mount", target)


def umount2(target: str, flags: int) -> None:
    """umount2(2)."""
    check(_umount2(os.fsencode(target), flags), "umount2", target)


def pivot_root(new_root: str, put_old: str) -> None:
    """pivot_root(2); `.` twice stacks the old root on the new one."""
    check(_pivot_root(c.NR_PIVOT_ROOT, os.fsencode(new_root), os.fsencode(put_old)), "pivot_root", new_root)


def new_filesystem(filesystem: str, options: Iterable[tuple[str, str | None]] = (), attributes: int = 0) -> int:
    """Make a file system instance and return its detached mount.

    An option without a value is a flag. `attributes` are MOUNT_ATTR_*.
    """
    context = check(_fsopen(c.NR_FSOPEN, filesystem.encode(), c.FSOPEN_CLOEXEC), "fsopen", filesystem)
    try:
        for key, value in options:
            command = c.FSCONFIG_SET_FLAG if value is None else c.FSCONFIG_SET_STRING
            _configure(context, command, key, value, filesystem)
        _configure(context, c.FSCONFIG_CMD_CREATE, None, None, filesystem)
        return check(_fsmount(c.NR_FSMOUNT, context, c.FSMOUNT_CLOEXEC, attributes), "fsmount", filesystem)
    finally:
        os.close(context)


def _configure(context: int, command: int, key: str | None, value: str | None, filesystem: str) -> None:
    encoded_key = key.encode() if key is not None else None
    encoded_value = os.fsencode(value) if value is not None else None
    result = _fsconfig(c.NR_FSCONFIG, context, command, encoded_key, encoded_value, 0)
    if result < 0:
        number = ctypes.get_errno()
        subject = filesystem if key is None else f"{filesystem} {key}" + (f"={value}" if value is not None else "")
        raise SyscallError(number, "fsconfig", subject, hint=_kernel_message(context))


def _kernel_message(context: int) -> str:
    # The kernel explains itself in the context's own log, one line a read: "e overlay: …".
    try:
        return os.read(context, 1024).decode(errors="replace").strip()
    except OSError:
        return ""


def move_mount(mount_fd: int, target_fd: int, path: str = "") -> None:
    """Attach a detached mount on what `target_fd` refers to, or on `path` in that folder."""
    flags = c.MOVE_MOUNT_F_EMPTY_PATH | (0 if path else c.MOVE_MOUNT_T_EMPTY_PATH)
    check(_move_mount(c.NR_MOVE_MOUNT, mount_fd, b"", target_fd, os.fsencode(path), flags), "move_mount", path)


def open_tree(directory_fd: int, path: str, *, recursive: bool = False) -> int:
    """Return a detached copy of the mount at `path`; with an empty path, of the one `directory_fd` is on."""
    flags = c.OPEN_TREE_CLONE | c.OPEN_TREE_CLOEXEC
    if not path:
        flags |= c.AT_EMPTY_PATH
    if recursive:
        flags |= c.AT_RECURSIVE
    return check(_open_tree(c.NR_OPEN_TREE, directory_fd, os.fsencode(path), flags), "open_tree", path)


def mount_setattr(
    mount_fd: int, *, attributes: int = 0, clear: int = 0, propagation: int = 0, recursive: bool = False
) -> None:
    """Change flags (MOUNT_ATTR_*) or propagation (MS_PRIVATE, …) of the mount behind a descriptor."""
    request = _MountAttr(attributes, clear, propagation, 0)
    flags = c.AT_EMPTY_PATH | (c.AT_RECURSIVE if recursive else 0)
    size = ctypes.sizeof(request)
    check(_mount_setattr(c.NR_MOUNT_SETATTR, mount_fd, b"", flags, ctypes.byref(request), size), "mount_setattr")


def openat2(directory_fd: int, path: str, flags: int, *, resolve: int, mode: int = 0, subject: str = "") -> int:
    """openat2(2) with O_CLOEXEC; EAGAIN (a rename raced with `..`) is tried again a few times."""
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    encoded = os.fsencode(path)
    result = -1
    for _ in range(_RACE_RETRIES):
        result = _openat2(c.NR_OPENAT2, directory_fd, encoded, ctypes.byref(how), ctypes.sizeof(how))
        if result >= 0 or ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):
            break
    return check(result, "openat2", subject or path)


def filesystem_magic(descriptor: int) -> int:
    """Return the f_type (…_MAGIC) of the file system a descriptor is on."""
    buffer = (ctypes.c_long * 32)()  # struct statfs is 15 longs on both architectures; f_type is the first
    check(_fstatfs(descriptor, ctypes.addressof(buffer)), "fstatfs")
    return int(buffer[0])
