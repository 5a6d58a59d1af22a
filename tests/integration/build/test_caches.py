"""Cache mounts that several steps want at the same time."""

import fcntl
import os
from pathlib import Path

from runtime.build.worker.caches import acquire
from runtime.build.worker.messages import BindCache


def test_who_waits_for_a_new_cache_to_be_filled_must_not_wait_for_its_use_to_end(tmp_path: Path):
    """While it is filled its lock is held as it will be in use, and others may share it."""
    cache = BindCache("/c", str(tmp_path / "cache"))

    def fill(fresh: Path) -> None:
        with (fresh.parent / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)

    first, folder = acquire(cache, fill)
    second, same = acquire(cache, fill)
    assert folder == same
    for descriptor in (first, second):
        os.close(descriptor)
