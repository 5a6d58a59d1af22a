"""Removing what builds keep: steps, and the folders of cache mounts (docker builder prune).

Builds may go on meanwhile: a step that one has found keeps its layer until the image is recorded, and a folder that a
step uses stays.
"""

import time
from pathlib import Path

from runtime.image.mount_caches import MountCache, mount_caches, remove_mount_cache
from runtime.image.store import ImageStore
from runtime.state import builds, images
from runtime.state.builds import StepRow
from runtime.state.database import Database
from schemas.engine.storage import CachePruning, PrunedCache


def prune_cache(database: Database, store: ImageStore, folder: Path, wanted: CachePruning) -> PrunedCache:
    """Remove what is wanted; `folder` is Paths.build_caches. Raises OSError."""
    keys: list[str] = []
    reclaimed_bytes = 0
    with database.transaction() as connection:
        kept = {diff_id for record in images.all_of(connection) for diff_id in record.layers}
        steps = builds.steps(connection)
        caches = mount_caches(folder)
        doomed = _doomed([*steps, *caches], kept, wanted)
        rows = [each for each in doomed if isinstance(each, StepRow)]
        builds.remove_steps(connection, rows)
        left = {step.diff_id for step in builds.steps(connection)}
    for diff_id in {row.diff_id for row in rows} - left - kept:
        reclaimed_bytes += next(row.size_bytes for row in rows if row.diff_id == diff_id)
    keys += dict.fromkeys(row.key for row in rows)
    for cache in doomed:
        if isinstance(cache, MountCache) and remove_mount_cache(cache):
            keys.append(cache.key)
            reclaimed_bytes += cache.size_bytes
    store.collect()
    return PrunedCache(tuple(keys), reclaimed_bytes)


def _doomed(
    kept_now: list[StepRow | MountCache], of_images: set[str], wanted: CachePruning
) -> list[StepRow | MountCache]:
    """Return what goes, the longest unused first, until no more than `keep_bytes` are left."""
    before_ns = time.time_ns() - wanted.unused_for_ns
    counted: set[str] = set()
    total_bytes = 0
    for each in kept_now:
        name = _layer_or_place(each)
        if name not in counted and name not in of_images:
            total_bytes += each.size_bytes
        counted.add(name)
    doomed = []
    for each in sorted(kept_now, key=lambda it: it.used_ns):
        is_of_image = _layer_or_place(each) in of_images
        if each.used_ns > before_ns or (is_of_image and not wanted.with_images):
            continue
        if wanted.keep_bytes and total_bytes <= wanted.keep_bytes:
            break
        doomed.append(each)
        total_bytes -= 0 if is_of_image else each.size_bytes
    return doomed


def _layer_or_place(each: StepRow | MountCache) -> str:
    return each.diff_id if isinstance(each, StepRow) else str(each.place)
