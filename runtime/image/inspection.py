"""What an image is made of and what it takes: read from the store, nothing changed."""

import json
import sqlite3
from collections import Counter

from runtime.errors import FailedPrecondition, NotFound
from runtime.image.configuration import Configuration, write_configuration
from runtime.image.content import BlobStore
from runtime.image.host import is_host
from runtime.image.identity import chain_ids
from runtime.image.layers import LayerStore
from runtime.image.reference import parse
from runtime.state import images, journal
from schemas.engine.identifiers import DiffID
from schemas.engine.records import ImageRecord
from schemas.engine.storage import ImageDetails, ImageUsage
from schemas.oci.image import manifest_from_plain

_REMOTE = ("pull", "push")
_NAMING = ("pull", "load", "import", "tag", "build", "commit")


def details(
    connection: sqlite3.Connection, blobs: BlobStore, layers: LayerStore, record: ImageRecord, lower: tuple[str, ...]
) -> ImageDetails:
    """Return an image with its documents; `lower` are its folders. Raises FailedPrecondition for a damaged blob."""
    if is_host(record):
        configuration = Configuration(record.config, record.architecture, record.os, record.created_ns)
        document = json.loads(write_configuration(configuration, ""))
        return ImageDetails(record, document, lower=lower)
    manifest_digest = images.manifest_of(connection, record.id)
    try:
        manifest = manifest_from_plain(json.loads(blobs.read(manifest_digest)))
        document = json.loads(blobs.read(manifest.config.digest))
    except NotFound as error:
        raise FailedPrecondition(
            f"{error.message}: image `{record.id}` is not whole", hint="load or pull it again"
        ) from (error)
    named = [journal.latest_ns(connection, "image", name, _NAMING) for name in record.references]
    digests = {
        f"{parse(name).familiar_name}@{parse(name).digest or manifest_digest}": None
        for name in record.references
        if parse(name).digest or journal.latest_ns(connection, "image", name, _REMOTE)
    }
    sizes = tuple(size for _, size in layer_sizes(layers, record))
    return ImageDetails(record, document, tuple(digests), sizes, lower, max(named, default=0))


def layer_sizes(layers: LayerStore, record: ImageRecord) -> list[tuple[str, int]]:
    """Return where each layer of an image stands, and its bytes; one that is not there has neither."""
    diff_ids = [DiffID(diff_id) for diff_id in record.layers]
    found = [layers.find(diff_id, chain_id) for diff_id, chain_id in zip(diff_ids, chain_ids(diff_ids), strict=True)]
    return [("", 0) if place is None else (str(place), layers.size(place)) for place in found]


def usage(connection: sqlite3.Connection, layers: LayerStore) -> tuple[list[ImageUsage], dict[str, int]]:
    """Return what each image takes, and the bytes of each layer by its folder."""
    records = images.all_of(connection)
    stacks = {record.id: dict(layer_sizes(layers, record)) for record in records}
    holders = Counter(place for stack in stacks.values() for place in stack)
    used = [
        ImageUsage(
            record,
            sum(size for place, size in stacks[record.id].items() if holders[place] > 1),
            len(images.users(connection, record.id)),
        )
        for record in records
    ]
    return used, {place: size for stack in stacks.values() for place, size in stack.items()}
