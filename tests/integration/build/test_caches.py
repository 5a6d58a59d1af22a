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


def test_only_root_must_get_at_what_a_cache_holds(tmp_path: Path):
    """The worker has no mask, so that programs get the modes they ask for; its own folders are closed all the same."""
    cache = BindCache("/c", str(tmp_path / "caches" / "id"))
    mask = os.umask(0)
    try:
        descriptor, data = acquire(cache, lambda _: None)
    finally:
        os.umask(mask)
    os.close(descriptor)
    closed = [folder for folder in data.parents if folder.is_relative_to(tmp_path / "caches")]
    assert [oct(folder.stat().st_mode & 0o777) for folder in closed] == ["0o700"] * 3
