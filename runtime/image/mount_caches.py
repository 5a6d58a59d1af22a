"""The folders of `RUN --mount=type=cache` as they are on the disk: measured, and removed while nobody uses them.

Below Paths.build_caches, <digest of an id>/<number>/ has `lock`, which a step holds for as long as it uses the cache
and whose time says when it was last taken, and `data/` (runtime.build.worker.caches). Only `data` is removed: the
lock stays what others wait for.
"""

import fcntl
import os
from pathlib import Path

from runtime.syscall.tree import remove_tree, tree_bytes
from schemas.dataclass import dataclass

LOCK = "lock"
DATA = "data"
_GONE = "gone-"


@dataclass(frozen=True, slots=True)
class MountCache:
    """A folder that outlives builds."""

    place: Path
    size_bytes: int
    used_ns: int

    @property
    def key(self) -> str:
        """What it is called: the digest of its id, and its number where there are several."""
        return self.place.parent.name if self.place.name == "0" else f"{self.place.parent.name}-{self.place.name}"


def mount_caches(root: Path) -> list[MountCache]:
    """Return all that hold something, given Paths.build_caches. Raises OSError."""
    found = []
    for data in root.glob(f"*/*/{DATA}"):
        used_ns = (data.parent / LOCK).stat().st_mtime_ns
        found.append(MountCache(data.parent, tree_bytes(data), used_ns))
    return found


def remove_mount_cache(cache: MountCache) -> bool:
    """Remove what a cache holds, unless a step uses it now. Raises OSError."""
    descriptor = os.open(cache.place / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        gone = cache.place / f"{_GONE}{os.urandom(4).hex()}"
        (cache.place / DATA).rename(gone)
    except (BlockingIOError, FileNotFoundError):
        return False
    finally:
        os.close(descriptor)
    for each in cache.place.glob(f"{_GONE}*"):
        remove_tree(each)
    return True
