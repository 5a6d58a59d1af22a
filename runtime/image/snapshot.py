"""A container's own layer: the folders that overlayfs writes to. Nothing is mounted here.

The launcher mounts the overlay in the container's mount namespace, so it disappears with it.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from runtime.errors import NotFound
from runtime.image.folders import OVERLAY_PREFIX, set_attributes
from runtime.launch.init_layer import make_init_layer
from runtime.paths import Paths
from runtime.syscall.tree import remove_tree
from schemas.engine.bundle import Rootfs

_UPPER = "upper"
_WORK = "work"
_INIT_LAYER = "init-layer"


def prepare(paths: Paths, container_id: str, lower: Sequence[str], *, read_only: bool = False) -> Rootfs:
    """Make the folders of a container on top of the lower ones, topmost first. Idempotent.

    Docker's init layer is put on top of them. overlayfs takes the root's owner, mode and attributes from
    the upper folder, so they are copied from the image's topmost one. Raises NotFound when that is gone.
    """
    folder = paths.container(container_id)
    upper, work = folder / _UPPER, folder / _WORK
    make_folders(upper, work, lower[0])
    initial = make_init_layer(str(paths.state / _INIT_LAYER))
    return Rootfs(lower=(initial, *lower), upper=str(upper), work=str(work), read_only=read_only)


def make_folders(upper: Path, work: Path, topmost: str) -> None:
    """Make the two folders that overlayfs writes to, the upper one like the topmost layer, in one folder. Idempotent.

    Raises NotFound when that is gone.
    """
    try:
        root = os.open(topmost, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound(f"the layer `{topmost}` is gone", hint="remove the image and load it again") from None
    try:
        upper.parent.mkdir(mode=0o710, parents=True, exist_ok=True)
        work.mkdir(mode=0o700, exist_ok=True)
        upper.mkdir(mode=0o755, exist_ok=True)
        status = os.fstat(root)
        os.chown(upper, status.st_uid, status.st_gid)
        names = [name for name in os.listxattr(root) if not name.startswith(OVERLAY_PREFIX)]
        set_attributes(str(upper), [(name, os.getxattr(root, name)) for name in names])
        upper.chmod(stat.S_IMODE(status.st_mode))
    finally:
        os.close(root)


def remove(paths: Paths, container_id: str) -> None:
    """Remove what a container wrote. Idempotent. Raises FailedPrecondition when something is mounted in it."""
    for name in (_WORK, _UPPER):
        remove_tree(paths.container(container_id) / name)
