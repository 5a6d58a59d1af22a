"""Roots as a step sees them: overlays that hang on a descriptor alone, or in this child's own mount namespace.

Nobody else sees them, and none outlives the child.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.build.files import matching
from runtime.build.files.source import SourceTree
from runtime.build.worker.messages import Files
from runtime.errors import SyscallError
from runtime.image.layers import FILES
from runtime.image.snapshot import make_folders
from runtime.launch.overlay import mount_overlay, new_overlay, new_view
from runtime.syscall import constants as c
from runtime.syscall.mount import umount2
from runtime.syscall.tree import remove_tree
from schemas.engine.bundle import Rootfs

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LAYER = "layer"
_WORK = "work"
_NOTHING = "nothing"


def prepare(folder: str, lowers: tuple[str, ...]) -> Rootfs:
    """Make the folders of an overlay in a folder; `layer_of` is what may become a layer. Raises NotFound, OSError.

    It is volatile: the end of another kind of overlay writes out the whole file system, here once for each step,
    while the builder does so once for all of them (Executor.settle).
    """
    lower = lowers or (_empty(folder),)
    upper, work = layer_of(folder) / FILES, Path(folder) / _WORK
    layer_of(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    make_folders(upper, work, lower[0])
    return Rootfs(lower, str(upper), str(work), volatile=True, initial_files=False)


def layer_of(folder: str) -> Path:
    """Return what LayerStore.adopt takes of a folder that was prepared."""
    return Path(folder) / _LAYER


@contextmanager
def writable(rootfs: Rootfs) -> Iterator[int]:
    """Give the root of an overlay to write to; it may be mounted again afterwards."""
    try:
        descriptor = new_overlay(rootfs)
        attached = False
    except SyscallError as error:
        if error.errno != errno.EINVAL or "lowerdir+" not in error.message:
            raise
        descriptor, attached = mount_overlay(rootfs), True
    try:
        yield descriptor
    finally:
        os.close(descriptor)
        if attached:
            umount2(rootfs.upper, c.MNT_DETACH)
        _clear_mark(rootfs)


@contextmanager
def readable(lowers: tuple[str, ...], scratch: str) -> Iterator[int]:
    """Give the root of layers to read from; none are an empty folder."""
    empty = _empty(scratch)
    try:
        # The lowest layer may have whiteouts too, which only overlayfs understands.
        descriptor = new_view((*lowers, empty)) if lowers else os.open(empty, _FOLDER)
    except SyscallError as error:
        if error.errno != errno.EINVAL or "lowerdir+" not in error.message:
            raise
        with writable(prepare(f"{scratch}/view-{os.urandom(4).hex()}", lowers)) as descriptor:
            yield descriptor
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def source_tree(files: Files, scratch: str) -> Iterator[SourceTree]:
    """Give a tree of files to read."""
    if not files.folder:
        with readable(files.lowers, scratch) as root:
            yield SourceTree(root)
        return
    root = os.open(files.folder, _FOLDER)
    try:
        yield SourceTree(root, matching.rules(files.ignore))
    finally:
        os.close(root)


def _clear_mark(rootfs: Rootfs) -> None:
    """Say that there was no crash: an overlay that was volatile refuses to be mounted again (overlayfs.rst)."""
    remove_tree(Path(rootfs.work) / "work" / "incompat")


def _empty(folder: str) -> str:
    path = Path(folder) / _NOTHING
    path.mkdir(mode=0o755, parents=True, exist_ok=True)
    return str(path)
