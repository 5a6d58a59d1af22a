"""Loading images from an archive: OCI layouts, and what `docker save` has written over the years."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from runtime.errors import InvalidArgument, Unsupported
from runtime.image import reference
from runtime.image.assembly import Assembler
from runtime.image.configuration import Configuration, read_configuration
from runtime.image.identity import chain_ids, digest_of, hexadecimal
from runtime.image.machine import machine_architecture
from runtime.image.platforms import candidates, parse_platform
from runtime.image.streams import Readable
from schemas.dataclass import dataclass
from schemas.engine.identifiers import DiffID
from schemas.engine.records import ImageRecord
from schemas.oci.image import Descriptor, Index, Manifest, index_from_plain, manifest_from_plain
from schemas.oci.media_types import (
    ATTESTATION,
    CONTAINERD_NAME,
    INDEXES,
    MANIFESTS,
    OCI_LAYER,
    REF_NAME,
)

_MAX_NESTING = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Source:
    """An image found in an archive: its parts by member name."""

    configuration: bytes
    layers: tuple[tuple[str, Descriptor | None], ...]
    """Member, and what its blob must be where the archive says so."""
    references: tuple[str, ...]
    manifest: bytes | None = None


class Members(Protocol):
    """Files by name: of an archive, or a folder."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def document(self, name: str) -> bytes:
        """Return a small file whole. Raises NotFound, InvalidArgument."""

    def stream(self, name: str) -> Readable:
        """Return a file to be read. Raises NotFound, InvalidArgument."""


def load(archive: Members, assembler: Assembler) -> list[ImageRecord]:
    """Store every image of an archive that runs on this machine. Call under the store's lease.

    The records have the archive's names alone; the store may know others for the same image.
    Raises InvalidArgument for an archive that is none, Unsupported when no image is for this machine.
    """
    if archive.has("index.json") and archive.has("oci-layout"):
        sources = _from_oci(archive)
    elif archive.has("manifest.json"):
        sources = _from_docker(archive)
    else:
        raise InvalidArgument(
            "neither an OCI nor a Docker image archive: it has no `index.json` and no `manifest.json`",
            hint="a root file system is made an image by `image import`",
        )
    return [_add(archive, assembler, source) for source in sources]


def _add(archive: Members, assembler: Assembler, source: _Source) -> ImageRecord:
    configuration = read_configuration(source.configuration)
    diff_ids = configuration.diff_ids
    _check_platform(configuration)
    if len(diff_ids) != len(source.layers):
        raise InvalidArgument(f"the image has {len(source.layers)} layers, its configuration lists {len(diff_ids)}")
    descriptors = [
        _add_layer(archive, assembler, member, expected, diff_ids[: position + 1])
        for position, (member, expected) in enumerate(source.layers)
    ]
    record = assembler.add_image(
        source.configuration, descriptors, source.references, action="load", manifest=source.manifest
    )
    return replace(record, references=tuple(name for name in record.references if name in source.references))


def _add_layer(
    archive: Members, assembler: Assembler, member: str, expected: Descriptor | None, diff_ids: Sequence[DiffID]
) -> Descriptor:
    diff_id = diff_ids[-1]
    unpacked = assembler.layers.find(diff_id, chain_ids(diff_ids)[-1])
    # A layer without a descriptor is a plain tar: its blob's digest is its DiffID.
    digest = expected.digest if expected is not None else diff_id
    # One that was damaged is taken from the archive again.
    if unpacked is not None and assembler.blobs.verify(digest):
        return expected or Descriptor(OCI_LAYER, digest, assembler.blobs.size(digest))
    stored = assembler.add_layer(archive.stream(member), diff_ids[:-1], expected=expected, diff_id=diff_id)
    return expected or stored.descriptor


def _check_platform(configuration: Configuration) -> None:
    machine = machine_architecture()
    if configuration.os != "linux" or configuration.architecture not in ("", machine):
        raise Unsupported(
            f"the image is for {configuration.os}/{configuration.architecture}, this machine is linux/{machine}"
        )


def _from_docker(archive: Members) -> list[_Source]:
    return [
        _Source(
            archive.document(_text(entry, "Config")),
            tuple((layer, None) for layer in _texts(entry, "Layers")),
            tuple(reference.familiar(tag) for tag in _texts(entry, "RepoTags")),
        )
        for entry in _docker_entries(archive)
    ]


def _docker_entries(archive: Members) -> list[dict[str, object]]:
    entries = _parsed(archive.document("manifest.json"), _same, "manifest.json")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidArgument("`manifest.json` of the archive is not a list of images")
    return entries


def _from_oci(archive: Members) -> list[_Source]:
    names = _docker_names(archive)
    index = _parsed(archive.document("index.json"), index_from_plain, "index.json")
    found: dict[str, _Source] = {}
    for entry in index.manifests:
        for descriptor in _images_of(archive, entry, 0):
            source = _oci_source(archive, descriptor, entry, names)
            known = found.get(descriptor.digest)
            if known is not None:
                # One entry of the index for each name of the image.
                references = tuple(dict.fromkeys((*known.references, *source.references)))
                source = _Source(source.configuration, source.layers, references, source.manifest)
            found[descriptor.digest] = source
    return list(found.values())


def _images_of(archive: Members, entry: Descriptor, depth: int) -> list[Descriptor]:
    """Return the manifest an index entry stands for: itself, or the one for this machine."""
    if ATTESTATION in entry.annotations:
        return []
    if entry.media_type in INDEXES:
        if depth >= _MAX_NESTING:
            raise InvalidArgument(f"the archive has indexes nested deeper than {_MAX_NESTING}")
        index = _parsed(_blob(archive, entry), index_from_plain, entry.digest)
        return _chosen(archive, index, depth + 1)
    if entry.media_type in MANIFESTS or not entry.media_type:
        return [entry]
    return []


def _chosen(archive: Members, index: Index, depth: int) -> list[Descriptor]:
    for entry in candidates(index.manifests, parse_platform("")):
        # `docker save` of one platform leaves the others' entries in, without their blobs.
        if archive.has(_blob_path(entry.digest)) and (images := _images_of(archive, entry, depth)):
            return images
    raise Unsupported(f"the archive has no image for linux/{machine_architecture()}")


def _oci_source(archive: Members, descriptor: Descriptor, entry: Descriptor, names: dict[str, list[str]]) -> _Source:
    content = _blob(archive, descriptor)
    manifest: Manifest = _parsed(content, manifest_from_plain, descriptor.digest)
    named = names.get(manifest.config.digest)
    annotated = entry.annotations.get(CONTAINERD_NAME) or entry.annotations.get(REF_NAME)
    references = named if named is not None else [annotated] if annotated else []
    return _Source(
        _blob(archive, manifest.config),
        tuple((_blob_path(layer.digest), layer) for layer in manifest.layers),
        tuple(reference.familiar(name) for name in references),
        content,
    )


def _docker_names(archive: Members) -> dict[str, list[str]]:
    """Return names by configuration digest, from the manifest.json that Docker puts beside an index."""
    if not archive.has("manifest.json"):
        return {}
    names: dict[str, list[str]] = {}
    for entry in _docker_entries(archive):
        hexadecimal_digits = _text(entry, "Config").removeprefix("blobs/sha256/").removesuffix(".json")
        names.setdefault(f"sha256:{hexadecimal_digits}", []).extend(_texts(entry, "RepoTags"))
    return names


def _blob(archive: Members, descriptor: Descriptor) -> bytes:
    content = archive.document(_blob_path(descriptor.digest))
    if digest_of(content) != descriptor.digest:
        raise InvalidArgument(f"blob `{descriptor.digest}` of the archive is damaged")
    return content


def _blob_path(digest: str) -> str:
    return f"blobs/sha256/{hexadecimal(digest)}"


def _parsed(content: bytes, read: Callable[[object], T], what: str) -> T:
    try:
        return read(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"`{what}` of the archive is not valid: {error}") from error


def _same(plain: object) -> object:
    return plain


def _text(entry: dict[str, object], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise InvalidArgument(f"`manifest.json` of the archive has no `{key}`")
    return value


def _texts(entry: dict[str, object], key: str) -> list[str]:
    value = entry.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidArgument(f"`{key}` in `manifest.json` of the archive is not a list of names")
    return value
