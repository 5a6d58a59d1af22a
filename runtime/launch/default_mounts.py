"""What Docker mounts in every container: /proc, /dev and what is in it, /sys and the container's cgroup."""

import os
from collections.abc import Iterator

from runtime.cgroup.hierarchy import detect
from runtime.launch.operations import AttachMount, FSOperation, MountFilesystem
from runtime.launch.tree import Tree
from runtime.syscall import constants as c
from runtime.syscall.mount import mount_setattr, move_mount, new_filesystem, open_tree
from schemas.dataclass import dataclass
from schemas.engine.bundle import Bundle

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the container's, not a place for our own files
_NOSUID_NODEV_NOEXEC = c.MOUNT_ATTR_NOSUID | c.MOUNT_ATTR_NODEV | c.MOUNT_ATTR_NOEXEC


_PROC = MountFilesystem("/proc", "proc", (), _NOSUID_NODEV_NOEXEC)
_DEV = MountFilesystem(
    "/dev", "tmpfs", (("mode", "755"), ("size", "65536k")), c.MOUNT_ATTR_NOSUID | c.MOUNT_ATTR_STRICTATIME
)
_TERMINALS = MountFilesystem(
    "/dev/pts",
    "devpts",
    (("newinstance", None), ("ptmxmode", "0666"), ("mode", "0620"), ("gid", "5")),
    c.MOUNT_ATTR_NOSUID | c.MOUNT_ATTR_NOEXEC,
)
_SYS = MountFilesystem("/sys", "sysfs", (), _NOSUID_NODEV_NOEXEC | c.MOUNT_ATTR_RDONLY)
_WRITABLE_SYS = MountFilesystem("/sys", "sysfs", (), _NOSUID_NODEV_NOEXEC)
_QUEUES = MountFilesystem("/dev/mqueue", "mqueue", (), _NOSUID_NODEV_NOEXEC)


def default_mounts(bundle: Bundle, shared_memory_fd: int | None) -> Iterator[FSOperation]:
    """Yield the mounts of the table in moby's oci/defaults.go, by depth.

    /dev/shm is `shared_memory_fd` when given.
    """
    yield from (_PROC, _DEV, _WRITABLE_SYS if bundle.privileged else _SYS, _TERMINALS, _QUEUES)
    if shared_memory_fd is not None:
        yield AttachMount(SHARED_MEMORY, shared_memory_fd, "shared memory", is_folder=True)
    elif bundle.ipc_mode != "none":
        options = (("mode", "1777"), ("size", str(bundle.shm_size_bytes)))
        yield MountFilesystem(SHARED_MEMORY, "tmpfs", options, _NOSUID_NODEV_NOEXEC, source="shm")


def cgroup_mount(bundle: Bundle) -> FSOperation | None:
    """Return the mount of /sys/fs/cgroup: the container's own group, one folder a tree in version 1.

    The host's folders are cloned here, so to be called while they are in sight. Raises SyscallError.
    """
    if not bundle.cgroup_path:
        return None
    hierarchies = detect()
    attributes = _NOSUID_NODEV_NOEXEC | (0 if bundle.privileged or bundle.cgroup_writable else c.MOUNT_ATTR_RDONLY)
    if hierarchies.version == 2:
        clone = open_tree(c.AT_FDCWD, f"{hierarchies.unified}/{bundle.cgroup_path}")
        mount_setattr(clone, attributes=attributes, propagation=c.MS_PRIVATE)
        return AttachMount("/sys/fs/cgroup", clone, "cgroup", is_folder=True)
    folders = hierarchies.legacy_folders(bundle.cgroup_path)
    trees = tuple((open_tree(c.AT_FDCWD, folder), controllers) for folder, controllers in folders)
    return LegacyCgroups(trees, attributes)


@dataclass(frozen=True, slots=True)
class LegacyCgroups:
    """A small tmpfs with a folder per version 1 tree, and a link per controller of a shared tree."""

    trees: tuple[tuple[int, tuple[str, ...]], ...]
    """Detached clones of the container's group, with the controllers of each."""
    attributes: int
    target: str = "/sys/fs/cgroup"

    def describe(self) -> str:
        """Return the step in one line."""
        return f"mount cgroup v1 trees on {self.target}"

    def execute(self, tree: Tree) -> None:
        """Do the step."""
        mount_fd = new_filesystem("tmpfs", (("source", "tmpfs"), ("mode", "755")))
        target = tree.folder(self.target, links=False)
        move_mount(mount_fd, target)
        os.close(target)
        for clone, controllers in self.trees:
            name = ",".join(controllers)
            os.mkdir(name, 0o755, dir_fd=mount_fd)
            move_mount(clone, mount_fd, name)
            os.close(clone)
            for controller in controllers if len(controllers) > 1 else ():
                os.symlink(name, controller, dir_fd=mount_fd)
        mount_setattr(mount_fd, attributes=self.attributes, propagation=c.MS_PRIVATE, recursive=True)
        os.close(mount_fd)
