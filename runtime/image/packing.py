"""Packing layers for a registry: what stands in the store as a plain tar travels as gzip.

The packed blob and a manifest that names it are kept, so that the next push finds them. Equal tars give equal
blobs: the header tells no time.
"""

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import replace

from runtime.errors import FailedPrecondition
from runtime.image.content import CHUNK_BYTES, BlobStore
from schemas.oci.image import Descriptor, Manifest, manifest_from_plain, manifest_to_plain
from schemas.oci.media_types import DOCKER_LAYER, DOCKER_LAYER_GZIP, OCI_LAYER, OCI_LAYER_GZIP

_GZIP_BITS = 31
_LEVEL = 6
_PACKED = {OCI_LAYER: OCI_LAYER_GZIP, DOCKER_LAYER: DOCKER_LAYER_GZIP}


def is_plain(layer: Descriptor) -> bool:
    """Whether a layer is stored as a tar that nobody packed."""
    return layer.media_type in _PACKED


def packed(blobs: BlobStore, layer: Descriptor, check: Callable[[], None]) -> Descriptor:
    """Store a layer's packed form and return its descriptor. Call under the store's lease.

    `check` is called for every piece and may raise. Raises FailedPrecondition for a blob that is damaged.
    """
    compressor = zlib.compressobj(_LEVEL, wbits=_GZIP_BITS)
    whole = hashlib.sha256()
    with blobs.open(layer.digest) as source, blobs.writer() as writer:
        while piece := source.read(CHUNK_BYTES):
            check()
            whole.update(piece)
            writer.write(compressor.compress(piece))
        writer.write(compressor.flush())
        if f"sha256:{whole.hexdigest()}" != layer.digest:
            raise FailedPrecondition(f"blob `{layer.digest}` is damaged", hint="build, load or pull the image again")
        digest = writer.commit()
        size_bytes = writer.size_bytes
    return replace(layer, media_type=_PACKED[layer.media_type], digest=digest, size_bytes=size_bytes)


def with_layers(content: bytes, layers: tuple[Descriptor, ...]) -> tuple[bytes, Manifest]:
    """Return a manifest with other layers: byte for byte the same one where they are the same."""
    manifest = manifest_from_plain(json.loads(content))
    if manifest.layers == layers:
        return content, manifest
    changed = replace(manifest, layers=layers)
    return json.dumps(manifest_to_plain(changed), separators=(",", ":")).encode(), changed
