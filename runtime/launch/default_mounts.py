"""What Docker mounts in every container: /proc, /dev and what is in it, /sys and the container's cgroup."""

import os
from collections.abc import Iterator

from runtime.cgroup.hierarchy import detect
from runtime.launch import binds
from runtime.launch.operations import AttachMount, FSOperation, MountFilesystem, attach
from runtime.launch.tree import Tree
from runtime.syscall import constants as c
from runtime.syscall.mount import mount_setattr, move_mount, new_filesystem
from schemas.engine.bundle import Bundle

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the container's, not a place for our own files
_NOSUID_NODEV_NOEXEC = c.MOUNT_ATTR_NOSUID | c.MOUNT_ATTR_NODEV | c.MOUNT_ATTR_NOEXEC


def default_mounts(bundle: Bundle, shared_memory_fd: int | None) -> Iterator[FSOperation]:
    """Yield the mounts of the table in moby's oci/defaults.go; /dev/shm is `shared_memory_fd` when given."""
    sys_attributes = _NOSUID_NODEV_NOEXEC | (0 if bundle.privileged else c.MOUNT_ATTR_RDONLY)
    yield MountFilesystem("/proc", "proc", (), _NOSUID_NODEV_NOEXEC)
    dev_attributes = c.MOUNT_ATTR_NOSUID | c.MOUNT_ATTR_STRICTATIME
    yield MountFilesystem("/dev", "tmpfs", (("mode", "755"), ("size", "65536k")), dev_attributes)
    terminals = (("newinstance", None), ("ptmxmode", "0666"), ("mode", "0620"), ("gid", "5"))
    yield MountFilesystem("/dev/pts", "devpts", terminals, c.MOUNT_ATTR_NOSUID | c.MOUNT_ATTR_NOEXEC)
    yield MountFilesystem("/sys", "sysfs", (), sys_attributes)
    yield MountFilesystem("/dev/mqueue", "mqueue", (), _NOSUID_NODEV_NOEXEC)
    if shared_memory_fd is not None:
        yield AttachMount(SHARED_MEMORY, shared_memory_fd, "shared memory", is_folder=True)
    elif bundle.ipc_mode != "none":
        options = (("mode", "1777"), ("size", str(bundle.shm_size_bytes)))
        yield MountFilesystem(SHARED_MEMORY, "tmpfs", options, _NOSUID_NODEV_NOEXEC)


def cgroup_mounts(bundle: Bundle) -> list[FSOperation]:
    """Return the mounts of /sys/fs/cgroup: the container's own group, one folder a tree in version 1."""
    if not bundle.cgroup_path:
        return []
    hierarchies = detect()
    attributes = _NOSUID_NODEV_NOEXEC | (0 if bundle.privileged else c.MOUNT_ATTR_RDONLY)
    if hierarchies.version == 2:
        clone = binds.clone_folder(f"{hierarchies.unified}/{bundle.cgroup_path}", attributes=attributes)
        return [AttachMount("/sys/fs/cgroup", clone, "cgroup", is_folder=True)]
    trees = [
        (binds.clone_folder(f"{tree.mount_point}/{bundle.cgroup_path}", attributes=attributes), tree.controllers)
        for tree in hierarchies.legacy
    ]
    return [_LegacyCgroups(tuple(trees), attributes)]


class _LegacyCgroups:
    """A small tmpfs with a folder per version 1 tree, and a link per controller of a shared tree."""

    target = "/sys/fs/cgroup"

    def __init__(self, trees: tuple[tuple[int, tuple[str, ...]], ...], attributes: int) -> None:
        self.trees = trees
        self.attributes = attributes

    def describe(self) -> str:
        """Return the step in one line."""
        return f"mount cgroup v1 trees on {self.target}"

    def execute(self, tree: Tree) -> None:
        mount_fd = new_filesystem("tmpfs", (("source", "tmpfs"), ("mode", "755")), _NOSUID_NODEV_NOEXEC)
        move_mount(mount_fd, tree.folder(self.target, links=False))
        for clone, controllers in self.trees:
            name = ",".join(controllers)
            os.mkdir(name, 0o755, dir_fd=mount_fd)
            attach(clone, os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount_fd))
            for controller in controllers if len(controllers) > 1 else ():
                os.symlink(name, controller, dir_fd=mount_fd)
        mount_setattr(mount_fd, attributes=self.attributes)
        os.close(mount_fd)
