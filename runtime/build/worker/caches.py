"""Cache mounts: folders that outlive builds, one at a time or for all.

    <folder>/
    ├── 0/     lock  data/     the only one, but for `private` caches in use at the same time: then 1, 2 …

Who the cache belongs to is in the folder's name, a digest of its id: no id leads anywhere else (CVE-2024-9675).
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from runtime.build.worker.messages import BindCache
from runtime.image.mount_caches import DATA, LOCK


def acquire(cache: BindCache, fill: Callable[[Path], None]) -> tuple[int, Path]:
    """Return a cache's folder, and the descriptor that holds it; a new one is filled first.

    `locked` waits until nobody else uses it, `private` takes one that nobody uses, `shared` takes it as it is. The
    kernel gives it back when the descriptor is closed, or its holder killed.
    """
    base = Path(cache.folder)
    if cache.sharing == "private":
        return _acquire_private(cache, base, fill)
    folder = base / "0"
    descriptor = _lock(folder, fcntl.LOCK_EX if cache.sharing == "locked" else fcntl.LOCK_SH)
    if not (folder / DATA).exists():
        # Whoever comes first fills it; the others wait for that alone, not until the first one is done with the cache.
        filling = _lock(folder, fcntl.LOCK_EX, "filling")
        try:
            _filled(cache, folder, fill)
        except BaseException:
            os.close(descriptor)
            raise
        finally:
            os.close(filling)
    return descriptor, folder / DATA


def _acquire_private(cache: BindCache, base: Path, fill: Callable[[Path], None]) -> tuple[int, Path]:
    number = 0
    while True:
        folder = base / str(number)
        try:
            descriptor = _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            number += 1
        else:
            return descriptor, _filled(cache, folder, fill)


def _lock(folder: Path, operation: int, name: str = LOCK) -> int:
    # One by one: parents that mkdir(2) makes on the way get the mode that the mask leaves, and the worker has none.
    for each in (folder.parent.parent, folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, operation)
        # Says when it was last of use.
        os.utime(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _filled(cache: BindCache, folder: Path, fill: Callable[[Path], None]) -> Path:
    data = folder / DATA
    if data.exists():
        return data
    fresh = folder / f"new-{os.urandom(4).hex()}"
    fresh.mkdir()
    fill(fresh)
    os.chown(fresh, cache.uid, cache.gid)
    fresh.chmod(cache.mode)
    fresh.rename(data)
    return data
