"""Garbage collection: what no image and no container leads to is removed.

Everything is marked from the state: manifests of images, their configurations and layers, layers that the build
cache knows, and the lower folders that containers' bundles name (an image can be gone by force while a container lives
on).
It runs with the store's exclusive lock, and not at all while somebody adds something: then whoever adds
last collects.
"""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

from runtime.errors import EngineError, Unsupported
from runtime.image.content import BlobStore
from runtime.image.host import recipe
from runtime.image.host_base import current_base
from runtime.image.identity import chain_ids
from runtime.image.layers import HOST_BASES, LayerStore
from runtime.paths import Paths
from runtime.state import builds, images
from runtime.state.database import Database
from schemas.engine.identifiers import DiffID
from schemas.oci.image import manifest_from_plain


class Collector:
    """Removes unreachable blobs, layers and leftovers of killed commands."""

    def __init__(self, database: Database, paths: Paths, blobs: BlobStore, layers: LayerStore) -> None:
        self._database = database
        self._paths = paths
        self._blobs = blobs
        self._layers = layers

    def collect(self) -> None:
        """Collect, unless somebody is adding. Raises SyscallError."""
        with self._blobs.exclusive() as alone:
            if not alone:
                return
            gone = self._blobs.leftovers()
            used = self._used_layers()
            gone.extend(self._blobs.discard(place) for place in self._layers.places() if str(place) not in used)
            reachable = self._reachable_blobs()
            for digest in self._blobs.digests():
                if digest not in reachable:
                    self._blobs.remove(digest)
        # Big trees take their time; nobody waits for it.
        self._blobs.sweep(gone)

    def _reachable_blobs(self) -> set[str]:
        reachable = set(builds.blobs(self._database.read()))
        for digest in images.manifest_digests(self._database.read()):
            reachable.add(digest)
            try:
                manifest = manifest_from_plain(json.loads(self._blobs.read(digest)))
            except (EngineError, ValueError):
                continue  # damaged: its image cannot be saved any more, and still be run
            reachable.update((manifest.config.digest, *(layer.digest for layer in manifest.layers)))
        return reachable

    def _used_layers(self) -> set[str]:
        connection = self._database.read()
        used: set[str] = set()
        with contextlib.suppress(Unsupported):
            used.add(str(current_base(self._layers.root / HOST_BASES, recipe())))
        for record in images.all_of(connection):
            diff_ids = [DiffID(diff_id) for diff_id in record.layers]
            for diff_id, chain_id in zip(diff_ids, chain_ids(diff_ids), strict=True):
                used.update(str(place) for place in self._layers.places_of(diff_id, chain_id))
        used.update(str(self._layers.built(DiffID(step.diff_id))) for step in builds.steps(connection))
        for container_id in images.orphaned_containers(connection):
            used.update(self._layers.place_of(lower) for lower in _lower_folders(self._paths.bundle(container_id)))
        return used


def _lower_folders(bundle: Path) -> Iterable[str]:
    try:
        document = json.loads(bundle.read_text())
        return [str(lower) for lower in document["rootfs"]["lower"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # a container that is being made or removed
