"""Steps that furnish a container's file tree, as data: `describe()` for people, `execute(tree)` once.

They are collected by runtime.launch.rootfs, ordered by depth and run in one loop, in the container's
mount namespace, before pivot_root. All work on descriptors below the tree.
"""

import contextlib
import errno
import os
import stat
from typing import Protocol

from runtime.errors import StartFailed, SyscallError
from runtime.launch.tree import Tree, split_path
from runtime.syscall import constants as c
from runtime.syscall.mount import filesystem_magic, mount_setattr, move_mount, new_filesystem, open_tree
from schemas.dataclass import dataclass


class FSOperation(Protocol):
    """One step."""

    def describe(self) -> str:
        """Return the step in one line."""

    def execute(self, tree: Tree) -> None:
        """Do it; raise SyscallError or StartFailed."""


def attach(mount_fd: int, target_fd: int) -> None:
    """Move a detached mount onto a place of the tree and close both descriptors."""
    try:
        move_mount(mount_fd, target_fd)
    finally:
        os.close(mount_fd)
        os.close(target_fd)


@dataclass(frozen=True, slots=True)
class MountFilesystem:
    """A new file system instance. Kernel file systems go on real folders only: a link in the way is
    an attack (CVE-2019-19921, CVE-2023-27561)."""

    target: str
    filesystem: str
    options: tuple[tuple[str, str | None], ...] = ()
    attributes: int = 0
    source: str = ""
    """What mountinfo shows as the source; the file system's name when empty."""

    def describe(self) -> str:
        """Return the step in one line."""
        return f"mount {self.filesystem} on {self.target}"

    def execute(self, tree: Tree) -> None:
        """Do the step."""
        target = tree.folder(self.target, links=False)
        options = (("source", self.source or self.filesystem), *self.options)
        attach(new_filesystem(self.filesystem, options, self.attributes), target)


@dataclass(frozen=True, slots=True)
class MountTmpfs:
    """A tmpfs of the user's. Like runc's it takes the mode of the folder it covers, unless one is given."""

    target: str
    options: tuple[tuple[str, str | None], ...]
    attributes: int

    def describe(self) -> str:
        """Return the step in one line."""
        return f"mount tmpfs on {self.target}"

    def execute(self, tree: Tree) -> None:
        """Do the step."""
        options = self.options
        try:
            target = tree.open(self.target, os.O_PATH | os.O_DIRECTORY)
            if not any(name == "mode" for name, _ in options):
                options = (*options, ("mode", f"{stat.S_IMODE(os.fstat(target).st_mode):o}"))
        except SyscallError as error:
            if error.errno != errno.ENOENT:
                raise
            target = tree.folder(self.target)
        refuse_proc(tree, target, self.target)
        attach(new_filesystem("tmpfs", (("source", "tmpfs"), *options), self.attributes), target)


@dataclass(frozen=True, slots=True)
class AttachMount:
    """A detached mount made earlier, from a host path or another namespace, on a file or folder."""

    target: str
    mount_fd: int
    what: str
    is_folder: bool

    def describe(self) -> str:
        """Return the step in one line."""
        return f"bind {self.what} on {self.target}"

    def execute(self, tree: Tree) -> None:
        """Do the step."""
        try:
            target = tree.folder(self.target) if self.is_folder else tree.file(self.target)
            refuse_proc(tree, target, self.target, self.mount_fd)
            attach(self.mount_fd, target)
        except SyscallError as error:
            if error.errno != errno.ENOTDIR:
                raise
            raise StartFailed(
                f"error mounting `{self.what}` to rootfs at `{self.target}`: not a directory",
                exit_code=127,
                hint="a directory cannot be mounted onto a file, nor a file onto a directory",
            ) from error


@dataclass(frozen=True, slots=True)
class MakeNode:
    """A device node; what is there already is replaced."""

    target: str
    mode: int
    """File type and permissions, as in st_mode."""
    number: int
    uid: int = 0
    gid: int = 0

    def describe(self) -> str:
        """Return the step in one line."""
        return f"mknod {self.target} {os.major(self.number)}:{os.minor(self.number)}"

    def execute(self, tree: Tree) -> None:
        """Do the step."""
        parent, name = tree.place(self.target)
        try:
            try:
                os.mknod(name, self.mode, self.number, dir_fd=parent)
            except FileExistsError:
                os.unlink(name, dir_fd=parent)
                os.mknod(name, self.mode, self.number, dir_fd=parent)
            if self.uid or self.gid:
                os.chown(name, self.uid, self.gid, dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(parent)


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """A folder with what is missing above it; links inside the root are followed."""

    target: str

    def describe(self) -> str:
        """Return the step in one line."""
        return f"mkdir {self.target}"

    def execute(self, tree: Tree) -> None:
        """Do the step."""
        os.close(tree.folder(self.target))


@dataclass(frozen=True, slots=True)
class MaskPaths:
    """Paths hidden: a file behind the host's /dev/null, a folder behind an empty read-only one."""

    targets: tuple[str, ...]

    def describe(self) -> str:
        """Return the step in one line."""
        return f"mask {' '.join(self.targets)}"

    def execute(self, tree: Tree) -> None:
        """Do the step."""
        null = _open_null(tree)
        empty = -1
        for path in self.targets:
            try:
                target = tree.open(path)
            except OSError:
                continue
            if not stat.S_ISDIR(os.fstat(target).st_mode):
                attach(open_tree(null, ""), target)
            elif empty < 0:
                attach(_empty_folder(), target)
                empty = tree.open(path)
            else:
                attach(open_tree(empty, ""), target)


def _open_null(tree: Tree) -> int:
    """Open the container's /dev/null, the host's where the user mounted a /dev of his own.

    What it is is looked at after opening: no link and no other device may take its place (CVE-2025-31133).
    """
    flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.suppress(SyscallError):
        null = tree.open("/dev/null", flags, links=False)
        if is_null_device(null):
            return null
        os.close(null)
    null = os.open("/dev/null", flags)
    if not is_null_device(null):
        raise StartFailed("the host's `/dev/null` is not device 1:3", exit_code=128)
    return null


def is_null_device(descriptor: int) -> bool:
    """Tell whether a descriptor is on character device 1:3."""
    status = os.fstat(descriptor)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(1, 3)


def _empty_folder() -> int:
    options = (("source", "tmpfs"), ("nr_blocks", "1"), ("nr_inodes", "1"))
    return new_filesystem("tmpfs", options, c.MOUNT_ATTR_RDONLY)


@dataclass(frozen=True, slots=True)
class ProtectPath:
    """A path made read-only by a mount of itself, with everything mounted below it."""

    target: str

    def describe(self) -> str:
        """Return the step in one line."""
        return f"protect {self.target}"

    def execute(self, tree: Tree) -> None:
        """Do the step."""
        try:
            target = tree.open(self.target)
        except OSError:
            return
        mount_fd = open_tree(target, "", recursive=True)
        mount_setattr(mount_fd, attributes=c.MOUNT_ATTR_RDONLY, recursive=True)
        attach(mount_fd, target)


_PROC_ROOT_INODE = 1

# What may be mounted inside /proc (runc, checkProcMount): files of read-only figures that lxcfs replaces.
_ALLOWED_IN_PROC = frozenset((
    "cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo",
    "net/dev", "sys/kernel/ns_last_pid", "sys/crypto/fips_enabled",
))  # fmt: skip


def refuse_proc(tree: Tree, target_fd: int, path: str, mount_fd: int | None = None) -> None:
    """Raise StartFailed when a user's mount would cover /proc or something in it (CVE-2019-16884).

    It asks where the target really is, not how it is written: an image may have `/data -> /proc`. Only
    another /proc may be mounted on /proc itself.
    """
    try:
        proc = tree.open("/proc", os.O_PATH | os.O_DIRECTORY, links=False)
    except OSError:
        return
    there, target = os.fstat(proc), os.fstat(target_fd)
    os.close(proc)
    if there.st_dev != target.st_dev or there.st_ino != _PROC_ROOT_INODE:
        return
    parts = split_path(path)
    if parts[:1] == ["proc"] and "/".join(parts[1:]) in _ALLOWED_IN_PROC:
        return
    if target.st_ino == _PROC_ROOT_INODE and mount_fd is not None and _is_proc(mount_fd):
        return
    raise StartFailed(f"`{path}` cannot be mounted because it is inside `/proc`", exit_code=128)


def _is_proc(mount_fd: int) -> bool:
    return filesystem_magic(mount_fd) == c.PROC_SUPER_MAGIC
