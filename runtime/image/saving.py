"""Saving images: a tar that is an OCI layout and, by its `manifest.json`, what `docker load` reads too.

Every blob goes in as it is in the store, so digests stay; what is read is verified. The same images give the same
bytes. Sources: OCI image-spec, image-layout.md; moby image/tarexport/save.go (Docker 25 and later).
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace

from runtime.errors import FailedPrecondition, NotFound, Unsupported
from runtime.image import catalog, tar_header
from runtime.image.content import CHUNK_BYTES, LAYOUT, BlobStore
from runtime.image.host import is_host
from runtime.image.identity import hexadecimal, is_identifier
from runtime.image.reference import parse
from runtime.image.streams import Sink
from runtime.state import images
from schemas.dataclass import dataclass
from schemas.engine.records import ImageRecord
from schemas.oci.image import Descriptor, Manifest, descriptor_to_plain, manifest_from_plain
from schemas.oci.media_types import CONTAINERD_NAME, OCI_INDEX, REF_NAME

_HINT = "pull, load or build the image again"


@dataclass(frozen=True, slots=True)
class _Saved:
    """An image that is saved, its documents read and verified."""

    names: tuple[str, ...]
    """Familiar references with a tag."""
    digest: str
    content: bytes
    """The manifest's."""
    manifest: Manifest
    layers: tuple[str, ...]
    """DiffIDs, lowest first."""


def save(connection: sqlite3.Connection, blobs: BlobStore, texts: Sequence[str], target: Sink) -> None:
    """Write the images that references mean. Call under the store's lease.

    Raises NotFound, Unsupported for the built-in image, FailedPrecondition for a blob that is gone or damaged:
    before anything is written, but for a layer's damage, which shows when it is read.
    """
    chosen = _chosen(connection, texts)
    saved = [_read(connection, blobs, record, tuple(names)) for record, names in chosen.values()]
    _write_folder(target, "blobs/")
    _write_folder(target, "blobs/sha256/")
    documents = {image.digest: image.content for image in saved}
    documents |= {image.manifest.config.digest: blobs.read(image.manifest.config.digest) for image in saved}
    layers = {layer.digest: layer for image in saved for layer in image.manifest.layers}
    for digest in sorted({*documents, *layers}):
        if digest in documents:
            _write_file(target, _member(digest), documents[digest])
        else:
            _write_blob(target, blobs, layers[digest])
    _write_file(target, "index.json", _json(_index(saved)))
    _write_file(target, "manifest.json", _json([_entry(image) for image in saved]))
    _write_file(target, "oci-layout", LAYOUT.encode())
    if any(image.names for image in saved):
        _write_file(target, "repositories", _json(_repositories(saved)))
    target.write(tar_header.END_OF_ARCHIVE)


def _chosen(connection: sqlite3.Connection, texts: Sequence[str]) -> dict[str, tuple[ImageRecord, list[str]]]:
    """Return images and the names they are saved with: one that was asked for, or all tags of a repository."""
    chosen: dict[str, tuple[ImageRecord, list[str]]] = {}
    for text in texts:
        for record, names in _meant(connection, text):
            if is_host(record):
                raise Unsupported(
                    "the built-in image `host` is this machine's own files and cannot be saved",
                    hint="`pycompose export` writes what a container of it sees",
                )
            known = chosen.setdefault(record.id, (record, []))[1]
            known += [name for name in names if name not in known]
    return chosen


def _meant(connection: sqlite3.Connection, text: str) -> list[tuple[ImageRecord, list[str]]]:
    if not is_identifier(text):
        wanted = parse(text)
        if not wanted.tag and not wanted.digest and (found := _repository(connection, wanted.name)):
            return found
    record = catalog.find_image(connection, text)
    named = not is_identifier(text) and parse(text).tag
    name = replace(parse(text), digest="").familiar if named else ""
    return [(record, [name] if name in record.references else [])]


def _repository(connection: sqlite3.Connection, repository: str) -> list[tuple[ImageRecord, list[str]]]:
    found = []
    for record in images.all_of(connection):
        tagged = [name for name in record.references if parse(name).tag and parse(name).name == repository]
        if tagged:
            found.append((record, tagged))
    return found


def _read(connection: sqlite3.Connection, blobs: BlobStore, record: ImageRecord, names: tuple[str, ...]) -> _Saved:
    digest = images.manifest_of(connection, record.id)
    what = names[0] if names else record.id
    content = _document(blobs, digest, what)
    manifest = manifest_from_plain(json.loads(content))
    _document(blobs, manifest.config.digest, what)
    for layer in manifest.layers:
        if not blobs.has(layer.digest) or blobs.size(layer.digest) != layer.size_bytes:
            raise _broken(layer.digest, what)
    return _Saved(names, digest, content, manifest, record.layers)


def _document(blobs: BlobStore, digest: str, what: str) -> bytes:
    try:
        return blobs.read(digest)
    except (NotFound, FailedPrecondition) as error:
        raise _broken(digest, what) from error


def _broken(digest: str, what: str) -> FailedPrecondition:
    return FailedPrecondition(f"cannot save `{what}`: its blob `{digest}` is damaged or gone", hint=_HINT)


def _index(saved: Sequence[_Saved]) -> dict[str, object]:
    return {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [descriptor_to_plain(entry) for image in saved for entry in _descriptors(image)],
    }


def _descriptors(image: _Saved) -> Iterator[Descriptor]:
    plain = Descriptor(image.manifest.media_type, image.digest, len(image.content))
    for name in image.names:
        reference = parse(name)
        yield replace(plain, annotations={CONTAINERD_NAME: str(reference), REF_NAME: reference.tag})
    if not image.names:
        yield plain


def _entry(image: _Saved) -> dict[str, object]:
    layers = image.manifest.layers
    return {
        "Config": _member(image.manifest.config.digest),
        "RepoTags": list(image.names) or None,
        "Layers": [_member(layer.digest) for layer in layers],
        "LayerSources": {
            diff_id: descriptor_to_plain(layer) for diff_id, layer in zip(image.layers, layers, strict=True)
        },
    }


def _repositories(saved: Sequence[_Saved]) -> dict[str, dict[str, str]]:
    """Return names by repository and tag, as Docker wrote them before `manifest.json` and still does."""
    found: dict[str, dict[str, str]] = {}
    for image in saved:
        for name in image.names:
            reference = parse(name)
            top = hexadecimal(image.layers[-1]) if image.layers else ""
            found.setdefault(reference.familiar_name, {})[reference.tag] = top
    return found


def _write_blob(target: Sink, blobs: BlobStore, layer: Descriptor) -> None:
    target.write(_header(_member(layer.digest), layer.size_bytes))
    whole = hashlib.sha256()
    size_bytes = 0
    with blobs.open(layer.digest) as file:
        while piece := file.read(CHUNK_BYTES):
            size_bytes += len(piece)
            whole.update(piece)
            target.write(piece)
    if f"sha256:{whole.hexdigest()}" != layer.digest or size_bytes != layer.size_bytes:
        raise FailedPrecondition(f"blob `{layer.digest}` is damaged", hint=_HINT)
    target.write(tar_header.padding(size_bytes))


def _write_file(target: Sink, name: str, content: bytes) -> None:
    target.write(_header(name, len(content)) + tar_header.padded(content))


def _write_folder(target: Sink, name: str) -> None:
    target.write(tar_header.header(tar_header.Entry(name.encode(), tar_header.FOLDER, 0o755)))


def _header(name: str, size_bytes: int) -> bytes:
    return tar_header.header(tar_header.Entry(name.encode(), tar_header.REGULAR, 0o644, size_bytes=size_bytes))


def _member(digest: str) -> str:
    return f"blobs/sha256/{hexadecimal(digest)}"


def _json(plain: object) -> bytes:
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()
