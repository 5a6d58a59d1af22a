"""The container's `/`: an overlay, what Docker puts on it, what the user puts on it, and the move into it.

Everything happens in the container's own mount namespace. The overlay is mounted nowhere else, so
there is nothing to unmount on the host, whoever gets killed.
"""

import os

from runtime.errors import SyscallError
from runtime.launch import binds, devices
from runtime.launch.default_mounts import cgroup_mount, default_mounts
from runtime.launch.operations import FSOperation, MakeFolder, MaskPaths, ProtectPath
from runtime.launch.overlay import make_initial_files, mount_overlay
from runtime.launch.tree import Tree, split_path
from runtime.syscall import constants as c
from runtime.syscall.mount import mount, mount_setattr, pivot_root, umount2
from schemas.engine.bundle import Bundle


def build(bundle: Bundle, shared_memory_fd: int | None) -> Tree:
    """Mount and furnish the root and return it, attached but not yet `/`.

    `shared_memory_fd` is a detached mount for /dev/shm when IPC is shared. Raises SyscallError, StartFailed.
    """
    user_mounts = list(binds.clone_sources(bundle.mounts))
    groups = cgroup_mount(bundle)
    mount("", "/", None, c.MS_REC | c.MS_SLAVE)
    tree = Tree(mount_overlay(bundle.rootfs))
    if bundle.rootfs.initial_files:
        make_initial_files(tree)
    os.umask(0)
    for operation in plan(bundle, user_mounts, groups, shared_memory_fd):
        _run(operation, tree)
    os.umask(0o022)
    return tree


def plan(
    bundle: Bundle, user_mounts: list[FSOperation], groups: FSOperation | None, shared_memory_fd: int | None
) -> list[FSOperation]:
    """Return all steps in the order to run them: mounts by depth, nodes, the working folder, protections.

    A user's mount replaces the default one on the same target, and one on /dev all that is in /dev. Only
    /proc is always there, for what is allowed on it is decided by looking at it.
    """
    defaults = list(default_mounts(bundle, shared_memory_fd))
    if groups is not None:
        defaults.append(groups)
    taken = {_normal(operation) for operation in user_mounts} - {"proc"}
    owns_dev = "dev" in taken
    steps = _merged(defaults, user_mounts, taken) if user_mounts else defaults
    if not owns_dev:
        steps += devices.operations(bundle)
    steps.append(MakeFolder(bundle.cwd or "/"))
    return steps


def _merged(defaults: list[FSOperation], user_mounts: list[FSOperation], taken: set[str]) -> list[FSOperation]:
    kept = [operation for operation in defaults if _normal(operation) not in taken]
    if "dev" in taken:
        kept = [operation for operation in kept if not _normal(operation).startswith("dev/")]
    return sorted([*kept, *user_mounts], key=lambda operation: _normal(operation).count("/"))


def protections(bundle: Bundle) -> list[FSOperation]:
    """Return the last steps: what the container may not see, and what it may not write."""
    protect: list[FSOperation] = [ProtectPath(path) for path in bundle.read_only_paths]
    return [*protect, MaskPaths(bundle.masked_paths)] if bundle.masked_paths else protect


def finish(bundle: Bundle, tree: Tree) -> None:
    """Hide and protect paths, make the root read-only when asked, and make it `/`."""
    for operation in protections(bundle):
        _run(operation, tree)
    if bundle.rootfs.read_only:
        mount_setattr(tree.descriptor, attributes=c.MOUNT_ATTR_RDONLY)
    old = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fchdir(tree.descriptor)
    pivot_root(".", ".")
    # The old root now lies on top of the new one; nothing may travel from here to the host's mounts.
    os.fchdir(old)
    mount("", ".", None, c.MS_REC | c.MS_PRIVATE)
    umount2(".", c.MNT_DETACH)
    os.chdir("/")
    os.close(old)


def _run(operation: FSOperation, tree: Tree) -> None:
    try:
        operation.execute(tree)
    except SyscallError as error:
        error.message = f"{operation.describe()}: {error.message}"
        raise
    except OSError as error:
        raise SyscallError(error.errno or 0, operation.describe()) from error


def _normal(operation: FSOperation) -> str:
    return "/".join(split_path(getattr(operation, "target", "")))
