"""Removing images that no container uses (moby daemon/images/image_prune.go)."""

import sqlite3
from collections.abc import Callable

from runtime.image.inspection import usage
from runtime.image.layers import LayerStore
from runtime.image.removal import remove_image
from runtime.state import images
from schemas.engine.records import ImageRecord
from schemas.engine.storage import PrunedImages


def prune(connection: sqlite3.Connection, layers: LayerStore, wanted: Callable[[ImageRecord], bool]) -> PrunedImages:
    """Remove the images that are `wanted` and unused, with all their names. Call in a transaction, then collect."""
    _, before = usage(connection, layers)
    lines: list[str] = []
    for record in images.all_of(connection):
        if wanted(record) and not images.users(connection, record.id):
            lines += remove_image(connection, record, record.id, force=True)
    _, after = usage(connection, layers)
    return PrunedImages(tuple(lines), sum(before.values()) - sum(after.values()))
