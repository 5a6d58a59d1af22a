"""Filling a new volume with what the image has where it is mounted (moby daemon/volumes_unix.go).

The image's folder is read through a read-only overlay that is attached nowhere: only this process's
descriptor leads into it. So whiteouts and merged folders are the kernel's affair, links in the path are
resolved inside the image, and nothing can be seen, or be in the way, on the host.
"""

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from runtime.errors import EngineError, FailedPrecondition, InvalidArgument, ResourceExhausted, SyscallError
from runtime.syscall import constants as c
from runtime.syscall.mount import new_filesystem, openat2
from runtime.volume.copying import copy_tree
from schemas.engine.bundle import BundleMount

_FLAGS = os.O_RDONLY | os.O_DIRECTORY
_IN_ROOT = c.RESOLVE_IN_ROOT | c.RESOLVE_NO_MAGICLINKS
_MARK = "filling"
_LOCK = "lock"
_MAX_OLD_OPTION_BYTES = 250
"""fsconfig(2) takes strings of up to 255 bytes."""


def copy_up(content: Path, folder: Path, lower: Sequence[str], target: str, mounts: Sequence[BundleMount] = ()) -> None:
    """Fill the empty folder `content` of a volume, whose own folder is `folder`; do nothing to any other.

    Raises InvalidArgument when the image has a file at `target`, FailedPrecondition, ResourceExhausted.
    """
    if not (folder / _MARK).exists() and not _is_empty(content):
        return
    with _locked(folder):
        mark = folder / _MARK
        # Another container may have filled it while this one waited.
        if not mark.exists() and not _is_empty(content):
            return
        with _image_folder(lower, target, mounts) as source:
            if source is None:
                return
            mark.touch()
            destination = os.open(content, _FLAGS | os.O_CLOEXEC)
            try:
                copy_tree(source, destination)
            except OSError as error:
                raise _failure(error, target) from error
            finally:
                os.close(destination)
            mark.unlink()


@contextmanager
def _image_folder(lower: Sequence[str], target: str, mounts: Sequence[BundleMount]) -> Iterator[int | None]:
    """Give a descriptor of the image's folder at `target`, None when it has nothing there."""
    root, path = _mounted_root(lower, target, mounts)
    try:
        source = _open_folder(root, path, target)
    finally:
        os.close(root)
    try:
        yield source
    finally:
        if source is not None:
            os.close(source)


def _mounted_root(lower: Sequence[str], target: str, mounts: Sequence[BundleMount]) -> tuple[int, str]:
    """Return the root to look in and the path in it: that of the mount which covers `target`, or the image's."""
    path = PurePosixPath(target)
    for mount in sorted(mounts, key=lambda mount: len(mount.target), reverse=True):
        if path.is_relative_to(mount.target):
            return os.open(mount.source, _FLAGS | os.O_CLOEXEC), str(path.relative_to(mount.target))
    relative = target.strip("/") or "."
    if len(lower) == 1:
        # An overlay wants two; one alone hides nothing.
        return os.open(lower[0], _FLAGS | os.O_CLOEXEC), relative
    return _overlay(lower), relative


def _overlay(lower: Sequence[str]) -> int:
    attributes = c.MOUNT_ATTR_RDONLY | c.MOUNT_ATTR_NOSUID | c.MOUNT_ATTR_NODEV | c.MOUNT_ATTR_NOEXEC
    try:
        return new_filesystem("overlay", [("lowerdir+", directory) for directory in lower], attributes)
    except SyscallError as error:
        joined = ":".join(directory.replace("\\", "\\\\").replace(":", "\\:") for directory in lower)
        # Before Linux 6.5 all directories go into one option.
        if error.errno != errno.EINVAL or len(joined) > _MAX_OLD_OPTION_BYTES:
            raise
        return new_filesystem("overlay", [("lowerdir", joined)], attributes)


def _open_folder(root: int, path: str, target: str) -> int | None:
    try:
        return openat2(root, path, _FLAGS, resolve=_IN_ROOT)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        if error.errno == errno.ENOTDIR:
            raise InvalidArgument(
                f"the image has a file at `{target}`, where a volume is to be mounted", hint="mount it on a folder"
            ) from error
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_empty(path: Path) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError as error:
        raise FailedPrecondition(f"cannot look into the volume at `{path}`: {error.strerror}") from error


def _failure(error: OSError, target: str) -> EngineError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ResourceExhausted(f"no space is left to copy `{target}` of the image into the volume")
    return SyscallError(error.errno or errno.EIO, "copy into the volume", str(error.filename or target))
