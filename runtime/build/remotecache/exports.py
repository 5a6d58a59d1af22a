"""The steps of a build written to where builds on other machines find them.

Layers travel packed. A layer is packed once; the blob is remembered and kept for as long as the cache has the step.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from runtime.api import Distribution, TransferListener
from runtime.build.remotecache.documents import CACHE_CONFIG, KnownStep, config_of
from runtime.build.remotecache.sources import INDEX
from runtime.build.telling import Telling
from runtime.errors import Cancelled, EngineError, FailedPrecondition
from runtime.image.content import CHUNK_BYTES, LAYOUT
from runtime.image.identity import digest_of, hexadecimal
from runtime.image.packing import packed
from runtime.image.store import ImageStore, named_errors
from runtime.state import builds
from runtime.state.database import Database
from schemas.dataclass import dataclass
from schemas.engine.builds import CacheKind, CacheTarget
from schemas.engine.identifiers import DiffID
from schemas.oci.image import MAX_LAYERS, Descriptor, Manifest, descriptor_to_plain, manifest_to_plain
from schemas.oci.media_types import OCI_INDEX, OCI_LAYER, OCI_MANIFEST, REF_NAME

_TITLES = {CacheKind.REGISTRY: "exporting cache to registry", CacheKind.LOCAL: "exporting cache to client directory"}


@dataclass(frozen=True, slots=True)
class Done:
    """What a build did or found."""

    steps: Mapping[str, KnownStep]
    notes: Mapping[str, str]
    result: Sequence[DiffID]
    """The layers of the image."""


class Exporter:
    """Writes the cache of one build. Call everything under the store's lease."""

    def __init__(
        self,
        database: Database,
        store: ImageStore,
        registries: Callable[[], Distribution],
        listener: TransferListener,
        telling: Telling,
    ) -> None:
        self._database = database
        self._store = store
        self._registries = registries
        self._listener = listener
        self._telling = telling

    def export(self, target: CacheTarget, done: Done) -> None:
        """Write a cache. Raises EngineError, unless the target may fail."""
        try:
            with self._telling.step(_TITLES[target.kind]) as told, named_errors("export a cache of"):
                told.say("preparing build cache for export\n")
                steps = self._with_blobs(target, done)
                config, blobs = config_of(steps, done.notes)
                told.say(f"writing {len(blobs)} layers, {len(steps)} steps to {target.place}\n")
                described = Descriptor(CACHE_CONFIG, digest_of(config), len(config))
                manifest = _written(manifest_to_plain(Manifest(described, tuple(blobs))))
                if target.kind is CacheKind.REGISTRY:
                    self._store.blobs.add(config)
                    self._registries().push_artefact(target.place, manifest, self._listener)
                else:
                    self._write_folder(target, manifest, config, blobs)
        except Cancelled:
            raise
        except EngineError:
            if not target.may_fail:
                raise

    def _with_blobs(self, target: CacheTarget, done: Done) -> dict[str, KnownStep]:
        """Return the steps, each with its packed layer where the cache is to have it."""
        wanted = dict.fromkeys(done.result)
        if target.is_complete:
            wanted |= dict.fromkeys(step.layer.diff_id for step in done.steps.values())
        made = {step.layer.diff_id for step in done.steps.values()}
        kept = [diff_id for diff_id in wanted if diff_id in made][:MAX_LAYERS]
        blobs = {diff_id: self._packed(diff_id) for diff_id in kept}
        return {key: replace(step, blob=blobs.get(step.layer.diff_id)) for key, step in done.steps.items()}

    def _packed(self, diff_id: DiffID) -> Descriptor | None:
        """Return a layer packed; None where it is not here."""
        blobs = self._store.blobs
        known = builds.find_blob(self._database.read(), diff_id)
        if known is not None and blobs.has(known[0]):
            return Descriptor(known[1], known[0], known[2])
        if not blobs.has(diff_id):
            return None
        blob = packed(blobs, Descriptor(OCI_LAYER, diff_id, blobs.size(diff_id)), self._check)
        with self._database.transaction() as connection:
            builds.insert_blob(connection, diff_id, blob.digest, blob.media_type, blob.size_bytes)
        return blob

    def _check(self) -> None:
        if self._listener.is_cancelled:
            raise Cancelled("the build was stopped")

    def _write_folder(self, target: CacheTarget, manifest: bytes, config: bytes, blobs: Sequence[Descriptor]) -> None:
        """Write an OCI layout, beside what is there already."""
        folder = Path(target.place)
        place = folder / "blobs" / "sha256"
        try:
            place.mkdir(parents=True, exist_ok=True)
            for blob in blobs:
                if not (place / hexadecimal(blob.digest)).exists():
                    with self._store.blobs.open(blob.digest) as source:
                        self._write(place / hexadecimal(blob.digest), source)
            for content in (config, manifest):
                _put(place / hexadecimal(digest_of(content)), content)
            _put(folder / "oci-layout", LAYOUT.encode())
            entry = Descriptor(OCI_MANIFEST, digest_of(manifest), len(manifest), {REF_NAME: target.tag})
            entries = [descriptor_to_plain(entry), *_others(folder / INDEX, target.tag)]
            index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
            _put(folder / INDEX, _written(index))
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise FailedPrecondition(f"cannot write the cache to `{error.filename or folder}`: {reason}") from error

    def _write(self, path: Path, source: BinaryIO) -> None:
        temporary = _beside(path)
        try:
            with temporary.open("xb") as file:
                while piece := source.read(CHUNK_BYTES):
                    self._check()
                    file.write(piece)
            temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)


def _others(index: Path, tag: str) -> list[object]:
    """Return the entries of an index for other tags, as they are."""
    try:
        entries = json.loads(index.read_bytes())["manifests"]
        return [entry for entry in entries if (entry.get("annotations") or {}).get(REF_NAME) != tag]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []


def _put(path: Path, content: bytes) -> None:
    """Write a file so that whoever reads sees the old one or the new one."""
    temporary = _beside(path)
    try:
        temporary.write_bytes(content)
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}-{os.urandom(4).hex()}")


def _written(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
