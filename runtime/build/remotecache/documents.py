"""What a shared cache says: BuildKit's container of it, with our own keys inside (moby/buildkit, cache/remotecache/v1).

    {"layers":  [{"blob": digest, "parent": -1, "annotations": {"diffID", "mediaType", "size", "createdAt"}}],
     "records": [{"digest": "sha256:" + key, "layers": [{"layer": 0, "createdAt": …}],
                  "pycompose": {"diffID", "size"}},
                 {"digest": "sha256:" + key, "pycompose": {"files": hash}}]}

BuildKit reads this and finds nothing, since its keys are digests of its own graph; of a cache that it wrote, nothing is
found here. A record without `layers` tells what a step made without having it: what is built on it can be found all the
same. In an image the records stand alone, and `layer` counts the image's layers.

Caches are written by strangers: whatever is not as it should be is no record.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from runtime.errors import InvalidArgument
from runtime.image.configuration import format_time, parse_time
from runtime.image.identity import is_digest
from runtime.image.layers import Layer
from schemas.dataclass import dataclass
from schemas.engine.identifiers import DiffID
from schemas.oci.image import Descriptor

CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"
"""Media type of the configuration of a cache's manifest."""
INLINE = "moby.buildkit.cache.v0"
"""Field of an image's configuration with the records of its steps, as base64."""
_OURS = "pycompose"
_PREFIX = "sha256:"
_LARGEST = 1 << 62
"""More than any size in bytes or time in nanoseconds."""


@dataclass(frozen=True, slots=True)
class KnownStep:
    """What is known of a step that was done somewhere."""

    layer: Layer
    made_ns: int
    """When, in nanoseconds since 1970."""
    blob: Descriptor | None = None
    """Its layer, packed, where the cache has it."""


@dataclass(frozen=True, slots=True)
class CacheContent:
    """What a cache says, by the keys of runtime.build.cache."""

    steps: Mapping[str, KnownStep] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    foreign: int = 0
    """Records that another builder wrote."""


def read_config(content: bytes, blobs: Iterable[Descriptor]) -> CacheContent:
    """Read the configuration of a cache's manifest, given the blobs that the manifest lists. Raises InvalidArgument."""
    document = _parsed(content)
    if not isinstance(document, dict):
        raise InvalidArgument("the cache's configuration is not an object")
    by_digest = {blob.digest: blob for blob in blobs}
    layers = [_layer(each, by_digest) for each in _items(document.get("layers"))]
    return _read_records(document.get("records"), layers)


def read_inline(configuration: bytes, blobs: Sequence[Descriptor]) -> CacheContent:
    """Read what an image's configuration says of its steps, given its layers. Raises InvalidArgument."""
    document = _parsed(configuration)
    if not isinstance(document, dict) or not isinstance(packed := document.get(INLINE), str):
        return CacheContent()
    rootfs = document.get("rootfs")
    diff_ids = _items(rootfs.get("diff_ids")) if isinstance(rootfs, dict) else []
    if len(diff_ids) != len(blobs):
        raise InvalidArgument("the image has other layers than its configuration says")
    try:
        records = _parsed(base64.b64decode(packed, validate=True))
    except binascii.Error as error:
        raise InvalidArgument(f"the image's cache is not base64: {error}") from error
    return _read_records(records, [(blob, str(diff_id)) for blob, diff_id in zip(blobs, diff_ids, strict=True)])


def config_of(steps: Mapping[str, KnownStep], notes: Mapping[str, str]) -> tuple[bytes, list[Descriptor]]:
    """Return the configuration of a cache's manifest, and the layers that the manifest lists: steps with a blob."""
    listed = {step.layer.diff_id: step for step in steps.values() if step.blob is not None}
    places = {diff_id: number for number, diff_id in enumerate(sorted(listed))}
    blobs = [blob for diff_id in places if (blob := listed[diff_id].blob) is not None]
    layers = [
        {
            "blob": blob.digest,
            "parent": -1,
            "annotations": {
                "mediaType": blob.media_type,
                "diffID": diff_id,
                "size": blob.size_bytes,
                "createdAt": format_time(listed[diff_id].made_ns),
            },
        }
        for diff_id, blob in zip(places, blobs, strict=True)
    ]
    return _written({"layers": layers, "records": _records(steps, notes, places)}), blobs


def inline_of(steps: Mapping[str, KnownStep], notes: Mapping[str, str], diff_ids: Sequence[DiffID]) -> str:
    """Return the field INLINE of the configuration of an image with these layers, lowest first."""
    places = {diff_id: number for number, diff_id in enumerate(diff_ids)}
    return base64.b64encode(_written(_records(steps, notes, places))).decode()


def _records(
    steps: Mapping[str, KnownStep], notes: Mapping[str, str], places: Mapping[DiffID, int]
) -> list[dict[str, object]]:
    """Return records in the order of their keys: the same steps are the same bytes."""
    records: list[dict[str, object]] = []
    for key, step in sorted(steps.items()):
        record: dict[str, object] = {"digest": _PREFIX + key}
        place = places.get(step.layer.diff_id)
        created = format_time(step.made_ns)
        if place is not None:
            record["layers"] = [{"layer": place, "createdAt": created}]
        record[_OURS] = {"diffID": step.layer.diff_id, "size": step.layer.size_bytes, "createdAt": created}
        records.append(record)
    records += [{"digest": _PREFIX + key, _OURS: {"files": note}} for key, note in sorted(notes.items())]
    return records


def _read_records(records: object, layers: Sequence[tuple[Descriptor | None, str]]) -> CacheContent:
    steps: dict[str, KnownStep] = {}
    notes: dict[str, str] = {}
    foreign = 0
    for record in _items(records):
        if not isinstance(record, dict) or not is_digest(key := _string(record, "digest")):
            continue
        ours = record.get(_OURS)
        key = key.removeprefix(_PREFIX)
        if not isinstance(ours, dict):
            foreign += 1
        elif _is_hash(files := _string(ours, "files")):
            notes[key] = files
        elif (step := _step(ours, _blob_of(record, layers))) is not None:
            steps[key] = step
    return CacheContent(steps, notes, foreign)


def _is_hash(text: str) -> bool:
    return is_digest(_PREFIX + text)


def _step(ours: dict[str, object], found: tuple[Descriptor | None, str] | None) -> KnownStep | None:
    diff_id, size_bytes = _string(ours, "diffID"), ours.get("size")
    if not is_digest(diff_id) or not isinstance(size_bytes, int) or not 0 <= size_bytes < _LARGEST:
        return None
    try:
        made_ns = parse_time(ours.get("createdAt"))
    except (ValueError, OverflowError):
        return None
    if not 0 <= made_ns < _LARGEST:
        return None
    blob = found[0] if found is not None and found[1] == diff_id else None
    return KnownStep(Layer(DiffID(diff_id), size_bytes), made_ns, blob)


def _blob_of(
    record: dict[str, object], layers: Sequence[tuple[Descriptor | None, str]]
) -> tuple[Descriptor | None, str] | None:
    for result in _items(record.get("layers")):
        place = result.get("layer") if isinstance(result, dict) else None
        if isinstance(place, int) and 0 <= place < len(layers):
            return layers[place]
    return None


def _layer(plain: object, blobs: Mapping[str, Descriptor]) -> tuple[Descriptor | None, str]:
    annotations = plain.get("annotations") if isinstance(plain, dict) else None
    return blobs.get(_string(plain, "blob")), _string(annotations, "diffID")


def _items(plain: object) -> list[object]:
    return plain if isinstance(plain, list) else []


def _string(plain: object, name: str) -> str:
    value = plain.get(name) if isinstance(plain, dict) else None
    return value if isinstance(value, str) else ""


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"the cache is not valid: {error}") from error


def _written(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
