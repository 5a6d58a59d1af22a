"""Host paths into the container: cloned as detached mounts while the host's tree is still in sight."""

import os
import stat
from collections.abc import Iterator, Sequence

from runtime.errors import InvalidArgument, StartFailed, SyscallError
from runtime.launch.operations import AttachMount, FSOperation, MountTmpfs
from runtime.syscall import constants as c
from runtime.syscall.mount import mount_setattr, open_tree, openat2
from schemas.engine.bundle import BundleMount

_PROPAGATION = {
    "private": (c.MS_PRIVATE, False),
    "rprivate": (c.MS_PRIVATE, True),
    "slave": (c.MS_SLAVE, False),
    "rslave": (c.MS_SLAVE, True),
    "shared": (c.MS_SHARED, False),
    "rshared": (c.MS_SHARED, True),
}
_ATTRIBUTES = {
    "ro": c.MOUNT_ATTR_RDONLY,
    "nosuid": c.MOUNT_ATTR_NOSUID,
    "nodev": c.MOUNT_ATTR_NODEV,
    "noexec": c.MOUNT_ATTR_NOEXEC,
    "noatime": c.MOUNT_ATTR_NOATIME,
    "nodiratime": c.MOUNT_ATTR_NODIRATIME,
}
_CLEARED = {
    "rw": c.MOUNT_ATTR_RDONLY,
    "suid": c.MOUNT_ATTR_NOSUID,
    "dev": c.MOUNT_ATTR_NODEV,
    "exec": c.MOUNT_ATTR_NOEXEC,
    "atime": c.MOUNT_ATTR_NOATIME,
    "diratime": c.MOUNT_ATTR_NODIRATIME,
}
_TMPFS_DATA = frozenset(("size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge"))


def clone_sources(mounts: Sequence[BundleMount]) -> Iterator[FSOperation]:
    """Yield the operation for each mount of a bundle, host sources already cloned.

    To be called before the mount namespace is cut off from the host's: only then can a clone be a
    peer (`rshared`) of the host's mount. Raises StartFailed, InvalidArgument, SyscallError.
    """
    for mount in mounts:
        yield _tmpfs(mount) if mount.type == "tmpfs" else _bind(mount)


def _bind(mount: BundleMount) -> AttachMount:
    source = _open_source(mount)
    try:
        tree = open_tree(source, "", recursive=mount.recursive)
        is_folder = stat.S_ISDIR(os.fstat(source).st_mode)
    finally:
        os.close(source)
    propagation, recursive = _propagation(mount)
    mount_setattr(tree, propagation=propagation, recursive=recursive)
    if mount.read_only:
        mount_setattr(tree, attributes=c.MOUNT_ATTR_RDONLY, recursive=mount.recursive_read_only)
    return AttachMount(mount.target, tree, mount.source, is_folder)


def _propagation(mount: BundleMount) -> tuple[int, bool]:
    try:
        return _PROPAGATION[mount.propagation or "rprivate"]
    except KeyError:
        raise InvalidArgument(f"invalid mount propagation `{mount.propagation}`") from None


def _open_source(mount: BundleMount) -> int:
    try:
        source = os.open(mount.source, os.O_PATH | os.O_CLOEXEC)
        if not mount.subpath:
            return source
        try:
            # A volume's content is the containers': a link in it must not lead out (CVE-2024-23652's class).
            resolve = c.RESOLVE_BENEATH | c.RESOLVE_NO_MAGICLINKS
            return openat2(source, mount.subpath.lstrip("/") or ".", os.O_PATH, resolve=resolve)
        finally:
            os.close(source)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        name = f"{mount.source}/{mount.subpath}" if mount.subpath else mount.source
        hint = error.hint if isinstance(error, SyscallError) else ""
        raise StartFailed(f"cannot mount `{name}` on `{mount.target}`: {reason}", exit_code=128, hint=hint) from error


def _tmpfs(mount: BundleMount) -> MountTmpfs:
    attributes = c.MOUNT_ATTR_NOSUID | c.MOUNT_ATTR_NODEV | c.MOUNT_ATTR_NOEXEC
    data: dict[str, str | None] = {}
    for option in mount.options:
        name, separator, value = option.partition("=")
        if name in _ATTRIBUTES and not separator:
            attributes |= _ATTRIBUTES[name]
        elif name in _CLEARED and not separator:
            attributes &= ~_CLEARED[name]
        elif name in _TMPFS_DATA and separator:
            data[name] = value
        elif name not in _PROPAGATION:
            raise InvalidArgument(f"invalid tmpfs option `{option}` for `{mount.target}`")
    if mount.read_only:
        attributes |= c.MOUNT_ATTR_RDONLY
    return MountTmpfs(mount.target, tuple(data.items()), attributes)
