"""The overlay that becomes the container's `/`, and what Docker's init layer adds to it."""

import contextlib
import errno
import os
from collections.abc import Sequence
from contextlib import ExitStack

from runtime.errors import SyscallError
from runtime.launch.tree import Tree
from runtime.syscall.mount import mount, move_mount, new_filesystem
from schemas.engine.bundle import Rootfs

_LONGEST_VALUE = 255
_MOST_LAYERS = 500


def mount_overlay(rootfs: Rootfs) -> int:
    """Mount the overlay over its own upper folder, which nobody looks at in here, and return its root."""
    try:
        mount_fd = new_overlay(rootfs)
    except SyscallError as error:
        if error.errno != errno.EINVAL or "lowerdir+" not in error.message:
            raise
        return _mount_old_overlay(rootfs)
    target = _open_folder(rootfs.upper)
    move_mount(mount_fd, target)
    os.close(target)
    return mount_fd


def new_overlay(rootfs: Rootfs) -> int:
    """Return the root of an overlay that is mounted nowhere and goes with its descriptor (Linux 6.5)."""
    with ExitStack() as opened:
        options = _lower_options(rootfs.lower, opened)
        options += [("upperdir", _short(rootfs.upper, opened)), ("workdir", _short(rootfs.work, opened))]
        if rootfs.volatile:
            options.append(("volatile", None))
        return new_filesystem("overlay", options)


def new_view(lower: Sequence[str]) -> int:
    """Return the root of several layers seen as one, two at least; it can only be read (Linux 6.5)."""
    with ExitStack() as opened:
        return new_filesystem("overlay", _lower_options(lower, opened))


def _lower_options(lower: Sequence[str], opened: ExitStack) -> list[tuple[str, str | None]]:
    if len(lower) > _MOST_LAYERS:
        raise SyscallError(errno.EINVAL, "overlay", f"{len(lower)} layers, the kernel takes {_MOST_LAYERS}")
    options: list[tuple[str, str | None]] = [("source", "overlay")]
    options += [("lowerdir+", _short(path, opened)) for path in lower]
    # What the module's parameters may have switched on is not for images made by somebody else.
    return options + [(name, "off") for name in ("redirect_dir", "metacopy", "index", "xino")]


def _short(path: str, opened: ExitStack) -> str:
    """Return the path, or for one longer than an option may be, that of an open descriptor."""
    if len(os.fsencode(path)) <= _LONGEST_VALUE:
        return path
    descriptor = _open_folder(path)
    opened.callback(os.close, descriptor)
    return f"/proc/self/fd/{descriptor}"


def _mount_old_overlay(rootfs: Rootfs) -> int:
    """Mount with mount(2), before Linux 6.5; descriptors keep colons and commas in paths harmless."""
    target = _open_folder(rootfs.upper)
    folders = [_open_folder(path) for path in (*rootfs.lower, rootfs.work)]
    names = [f"/proc/self/fd/{descriptor}" for descriptor in folders]
    data = f"lowerdir={':'.join(names[:-1])},upperdir=/proc/self/fd/{target},workdir={names[-1]}"
    mount("overlay", f"/proc/self/fd/{target}", "overlay", 0, f"{data},redirect_dir=off,metacopy=off,index=off")
    for descriptor in (*folders, target):
        os.close(descriptor)
    return _open_folder(rootfs.upper)


def _open_folder(path: str) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def make_initial_files(tree: Tree) -> None:
    """Make what Docker's init layer has, at the container's first start."""
    with contextlib.suppress(SyscallError):
        os.close(tree.open("/.dockerenv"))
        return
    for path in ("/dev", "/proc", "/sys"):
        os.close(tree.folder(path, links=False))
    for path in ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf"):
        os.close(tree.file(path, 0o755))
    etc = tree.folder("/etc")
    with contextlib.suppress(FileNotFoundError, IsADirectoryError):
        os.unlink("mtab", dir_fd=etc)
    with contextlib.suppress(FileExistsError):
        os.symlink("/proc/mounts", "mtab", dir_fd=etc)
    os.close(etc)
    os.close(tree.file("/.dockerenv", 0o755))
