"""The overlay that becomes the container's `/`, and what Docker's init layer adds to it."""

import contextlib
import errno
import os

from runtime.errors import SyscallError
from runtime.launch.tree import Tree
from runtime.syscall.mount import mount, move_mount, new_filesystem
from schemas.engine.bundle import Rootfs

_LONGEST_VALUE = 255
_MOST_LAYERS = 500


def mount_overlay(rootfs: Rootfs) -> int:
    """Mount the overlay over its own upper folder, which nobody looks at in here, and return its root."""
    if len(rootfs.lower) > _MOST_LAYERS:
        raise SyscallError(errno.EINVAL, "overlay", f"{len(rootfs.lower)} layers, the kernel takes {_MOST_LAYERS}")
    open_layers: list[int] = []
    options: list[tuple[str, str | None]] = [("source", "overlay")]
    options += [("lowerdir+", _short(path, open_layers)) for path in rootfs.lower]
    options += [("upperdir", _short(rootfs.upper, open_layers)), ("workdir", _short(rootfs.work, open_layers))]
    # What the module's parameters may have switched on is not for images made by somebody else.
    options += [(name, "off") for name in ("redirect_dir", "metacopy", "index", "xino")]
    target = os.open(rootfs.upper, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        mount_fd = new_filesystem("overlay", options)
    except SyscallError as error:
        if error.errno != errno.EINVAL or "lowerdir+" not in error.message:
            raise
        mount_fd = _mount_old_overlay(rootfs, target)
    else:
        move_mount(mount_fd, target)
    for descriptor in (*open_layers, target):
        os.close(descriptor)
    return mount_fd


def _short(path: str, open_layers: list[int]) -> str:
    """Return the path, or for one longer than an option may be, that of an open descriptor."""
    if len(os.fsencode(path)) <= _LONGEST_VALUE:
        return path
    open_layers.append(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    return f"/proc/self/fd/{open_layers[-1]}"


def _mount_old_overlay(rootfs: Rootfs, target: int) -> int:
    """Mount with mount(2), before Linux 6.5; descriptors keep colons and commas in paths harmless."""
    folders = [os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for path in (*rootfs.lower, rootfs.work)]
    names = [f"/proc/self/fd/{descriptor}" for descriptor in folders]
    data = f"lowerdir={':'.join(names[:-1])},upperdir=/proc/self/fd/{target},workdir={names[-1]}"
    mount("overlay", f"/proc/self/fd/{target}", "overlay", 0, f"{data},redirect_dir=off,metacopy=off,index=off")
    for descriptor in folders:
        os.close(descriptor)
    return os.open(rootfs.upper, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


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
