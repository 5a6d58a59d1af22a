"""A container's changes as an image on top of its own (moby daemon/commit.go, image.NewChildImage)."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from runtime.errors import Unsupported
from runtime.image import diff, tar_header
from runtime.image.assembly import Assembler, StoredLayer
from runtime.image.configuration import config_to_plain, format_time
from runtime.image.content import BlobStore
from runtime.image.host import is_host
from runtime.image.identity import digest_of
from runtime.image.pieces import Joined, contents
from schemas.dataclass import dataclass
from schemas.engine.bundle import Rootfs
from schemas.engine.identifiers import DiffID
from schemas.engine.records import ImageConfig, ImageRecord
from schemas.engine.specs import CommitSpec
from schemas.oci.image import Descriptor, manifest_from_plain

_INHERITED = ("architecture", "os", "variant", "os.version", "os.features")
_NO_CHANGE = DiffID(digest_of(tar_header.END_OF_ARCHIVE))
_HINT = "files change while they are read; commit without `--pause=false`"


@dataclass(frozen=True, slots=True)
class Base:
    """The image that a container was made from, its documents read and verified."""

    record: ImageRecord
    document: Mapping[str, object]
    layers: tuple[Descriptor, ...]


def read_base(blobs: BlobStore, record: ImageRecord, manifest_digest: str) -> Base:
    """Return what a commit needs of the image. Raises Unsupported for the built-in one, FailedPrecondition."""
    if is_host(record):
        raise Unsupported(
            "the built-in image `host` is this machine's own files, and nothing can be based on it",
            hint="use an image of its own for the service",
        )
    manifest = manifest_from_plain(json.loads(blobs.read(manifest_digest)))
    return Base(record, json.loads(blobs.read(manifest.config.digest)), manifest.layers)


def store_changes(assembler: Assembler, base: Base, rootfs: Rootfs) -> StoredLayer:
    """Store what a container wrote as a layer. Call under the lease; nobody should write meanwhile.

    Raises FailedPrecondition where somebody did, OSError.
    """
    with ExitStack() as opened:
        upper, *lowers = (_open(path, opened) for path in (rootfs.upper, *rootfs.lower))
        pieces = diff.pieces(upper, lowers, diff.Difference())
        archive = Joined(contents(pieces, upper, hint=_HINT))
        return assembler.add_layer(archive, [DiffID(layer) for layer in base.record.layers])


def configuration(
    base: Base, stored: StoredLayer, config: ImageConfig, command: Sequence[str], spec: CommitSpec
) -> tuple[bytes, tuple[Descriptor, ...]]:
    """Return the document of the image, and its layers. A container that changed nothing adds no layer."""
    is_empty = stored.layer.diff_id == _NO_CHANGE
    now = format_time(time.time_ns())
    line: dict[str, object] = {"created": now, "created_by": " ".join(command)}
    line |= {key: value for key, value in (("author", spec.author), ("comment", spec.message)) if value}
    if is_empty:
        line["empty_layer"] = True
    history = base.document.get("history")
    document: dict[str, object] = {name: base.document[name] for name in _INHERITED if name in base.document}
    if spec.author:
        document["author"] = spec.author
    document |= {
        "config": config_to_plain(config),
        "created": now,
        "history": [*(history if isinstance(history, list) else ()), line],
        "rootfs": {
            "type": "layers",
            "diff_ids": [*base.record.layers, *(() if is_empty else (stored.layer.diff_id,))],
        },
    }
    content = json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    return content, base.layers if is_empty else (*base.layers, stored.descriptor)


def _open(path: str, opened: ExitStack) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    opened.callback(os.close, descriptor)
    return descriptor
