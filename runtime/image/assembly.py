"""From an archive or its parts to an image in the store: what `import` and `load` have in common."""

import json
import time
from collections.abc import Sequence

from runtime.errors import FailedPrecondition, InvalidArgument, NotFound
from runtime.image.changes import apply_changes
from runtime.image.configuration import Configuration, read_configuration, write_configuration
from runtime.image.content import CHUNK_BYTES, BlobStore
from runtime.image.identity import chain_ids, digest_of, image_id
from runtime.image.layers import Layer, LayerStore
from runtime.image.machine import machine_architecture
from runtime.image.streams import Copied, Hashed, Readable, detect, unpacked
from runtime.state import images, journal
from runtime.state.database import Database
from schemas.dataclass import dataclass
from schemas.engine.events import EngineEvent
from schemas.engine.identifiers import DiffID
from schemas.engine.records import ImageConfig, ImageRecord
from schemas.oci.image import Descriptor, Manifest, manifest_to_plain
from schemas.oci.media_types import OCI_CONFIG, OCI_LAYER


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """A layer that is a blob, and unpacked."""

    layer: Layer
    descriptor: Descriptor


class Assembler:
    """Adds layers, then images made of them. Everything is called under the store's lease."""

    def __init__(self, database: Database, blobs: BlobStore, layers: LayerStore) -> None:
        self._database = database
        self.blobs = blobs
        self.layers = layers

    def import_layer(self, archive: Readable, changes: Sequence[str]) -> tuple[bytes, StoredLayer]:
        """Store a root file system as a layer; return the configuration of an image of it alone."""
        config = apply_changes(ImageConfig(), changes)
        stored = self.add_layer(archive, ())
        configuration = Configuration(
            config, machine_architecture(), created_ns=time.time_ns(), diff_ids=(stored.layer.diff_id,)
        )
        return write_configuration(configuration, "imported from a root file system"), stored

    def add_layer(
        self,
        archive: Readable,
        below: Sequence[DiffID],
        *,
        expected: Descriptor | None = None,
        diff_id: DiffID | None = None,
    ) -> StoredLayer:
        """Store a layer's blob and unpack it onto the layers `below`, in one pass over the archive.

        Raises InvalidArgument when digest, size or DiffID are not the expected ones.
        """
        compression, whole = detect(archive)
        limit = expected.size_bytes if expected is not None else None
        with self.blobs.writer(limit_bytes=limit) as writer:
            if compression.media_type:
                # The blob is what came in, byte for byte.
                whole = Copied(whole, writer)
                source = Hashed(unpacked(compression, whole))
            else:
                # OCI has no media type for it: the blob is the tar.
                source = Hashed(unpacked(compression, whole), writer)
            layer = self.layers.add(source, below, diff_id)
            while whole.read(CHUNK_BYTES):
                pass  # what a decompressor left unread is part of the blob
            digest = writer.commit(expected.digest if expected is not None else "")
        media_type = compression.media_type or OCI_LAYER
        return StoredLayer(layer, Descriptor(media_type, digest, writer.size_bytes))

    def add_image(
        self,
        configuration: bytes,
        layers: Sequence[Descriptor],
        references: Sequence[str],
        *,
        action: str,
        manifest: bytes | None = None,
    ) -> ImageRecord:
        """Store an image whose layers are all there, and let the references lead to it.

        `manifest` is its own one, byte for byte; without one, one is made. Raises InvalidArgument.
        """
        read = read_configuration(configuration)
        if len(read.diff_ids) != len(layers):
            raise InvalidArgument(f"the image has {len(layers)} layers, its configuration lists {len(read.diff_ids)}")
        if manifest is None:
            manifest = _manifest_of(configuration, layers)
        self.blobs.add(configuration)
        record = ImageRecord(
            id=image_id(configuration),
            references=(),
            created_ns=read.created_ns,
            size_bytes=sum(self._sizes(read.diff_ids)),
            config=read.config,
            architecture=read.architecture,
            os=read.os,
            layers=read.diff_ids,
        )
        return self._store(record, self.blobs.add(manifest), references, action)

    def find_image(
        self, configuration: bytes, layers: Sequence[Descriptor], references: Sequence[str]
    ) -> ImageRecord | None:
        """Return an image if `add_image` would change nothing: it is there and whole, and the references lead to it."""
        connection = self._database.read()
        manifest = _manifest_of(configuration, layers)
        if images.manifest_of(connection, image_id(configuration)) != digest_of(manifest):
            return None
        (record,) = images.by_id(connection, image_id(configuration))
        if not set(references) <= set(record.references):
            return None
        try:
            self._sizes([DiffID(diff_id) for diff_id in record.layers])
            for document in (configuration, manifest):
                self.blobs.read(digest_of(document))
        except (InvalidArgument, NotFound, FailedPrecondition):
            return None
        return record

    def _store(self, record: ImageRecord, manifest_digest: str, references: Sequence[str], action: str) -> ImageRecord:
        with self._database.transaction() as connection:
            images.insert(connection, record, manifest_digest)
            for reference in references:
                images.point(connection, reference, record.id)
            name = references[0] if references else record.id
            journal.append(connection, EngineEvent("image", action, record.id, name=name))
            (stored,) = images.by_id(connection, record.id)
        return stored

    def _sizes(self, diff_ids: Sequence[DiffID]) -> list[int]:
        sizes = []
        for diff_id, chain_id in zip(diff_ids, chain_ids(diff_ids), strict=True):
            directory = self.layers.find(diff_id, chain_id)
            if directory is None:
                raise InvalidArgument(f"layer `{diff_id}` of the image's configuration is not among its layers")
            sizes.append(self.layers.size(directory))
        return sizes


def _manifest_of(configuration: bytes, layers: Sequence[Descriptor]) -> bytes:
    descriptor = Descriptor(OCI_CONFIG, digest_of(configuration), len(configuration))
    return json.dumps(manifest_to_plain(Manifest(descriptor, tuple(layers))), separators=(",", ":")).encode()
