"""Pulling: from a name to an image in the store."""

import json
from collections.abc import Callable
from typing import TypeVar

from runtime.errors import InvalidArgument, NotFound, PermissionDenied, Unavailable, Unsupported
from runtime.image.assembly import Assembler
from runtime.image.configuration import read_configuration
from runtime.image.content import MAX_DOCUMENT_BYTES
from runtime.image.fetching import LayerFetcher, Source
from runtime.image.platforms import candidates, parse_platform
from runtime.image.reference import Reference
from runtime.image.remote import ask
from runtime.image.unpackers import Unpackers
from runtime.image.ways_in import without_registry
from runtime.registry.client import Document, Repository
from schemas.engine.transfers import PulledImage
from schemas.oci.image import Descriptor, Manifest, Platform, index_from_plain, manifest_from_plain
from schemas.oci.media_types import CONFIGS, DOCKER_MANIFEST_V1, INDEXES, MANIFESTS, is_layer

_MAX_NESTING = 4
_KNOWN = frozenset({*MANIFESTS, *INDEXES, DOCKER_MANIFEST_V1})
T = TypeVar("T")


class Puller:
    """Pulls one image. Call everything under the store's lease."""

    def __init__(self, assembler: Assembler, unpackers: Unpackers, source: Source) -> None:
        self._assembler = assembler
        self._unpackers = unpackers
        self._source = source

    def pull(self, reference: Reference, platform: str, known_id: str) -> PulledImage:
        """Pull what a reference (with tag or digest) leads to; `known_id` is the image it leads to here, if any.

        Raises NotFound, PermissionDenied, Unavailable, Unsupported, InvalidArgument, Cancelled.
        """
        wanted = parse_platform(platform)
        top, repositories = self._first_that_answers(reference)
        self._source = Source(repositories, self._source.patience, self._source.report)
        found = self._for_platform(top, wanted, reference)
        manifest = _parsed(found.content, manifest_from_plain, found.digest)
        _check(manifest, reference)
        configuration = self._configuration(manifest.config)
        read = read_configuration(configuration)
        if len(read.diff_ids) != len(manifest.layers):
            raise InvalidArgument(
                f"the image has {len(manifest.layers)} layers, its configuration lists {len(read.diff_ids)}"
            )
        if platform and read.architecture and (read.os, read.architecture) != (wanted.os, wanted.architecture):
            raise Unsupported(
                f"image `{reference.familiar}` is for {read.os}/{read.architecture}, not for {_written(wanted)}"
            )
        LayerFetcher(self._assembler.layers, self._unpackers, self._source, manifest.layers, read.diff_ids).fetch()
        record = self._assembler.add_image(
            configuration, manifest.layers, [_stored_name(reference)], action="pull", manifest=found.content
        )
        return PulledImage(record, top.digest, record.id != known_id)

    def _first_that_answers(self, reference: Reference) -> tuple[Document, tuple[Repository, ...]]:
        """Return the manifest, and the repositories to ask for the rest: whoever had it first."""
        *mirrors, origin = self._source.repositories
        tag_or_digest = reference.digest or reference.tag
        for mirror in mirrors:
            try:
                return mirror.manifest(tag_or_digest), (mirror, origin)
            except (NotFound, PermissionDenied, Unavailable, InvalidArgument):
                continue
        try:
            return origin.manifest(tag_or_digest), (origin,)
        except Unavailable as error:
            error.hint = error.hint or without_registry(reference.familiar)
            raise

    def _for_platform(self, document: Document, wanted: Platform, reference: Reference, depth: int = 0) -> Document:
        """Return the manifest of the image for a platform: the document itself, or one that an index lists."""
        media_type = _media_type(document)
        if media_type == DOCKER_MANIFEST_V1:
            raise Unsupported(
                f"`{reference.familiar}` is an image of schema version 1, which Docker gave up in 2019",
                hint="push it again with a newer tool, such as `skopeo copy --format v2s2`",
            )
        if media_type not in INDEXES:
            return document
        if depth >= _MAX_NESTING:
            raise InvalidArgument(f"`{reference.familiar}` has indexes nested deeper than {_MAX_NESTING}")
        index = _parsed(document.content, index_from_plain, document.digest)
        found = candidates(index.manifests, wanted)
        if not found:
            offered = sorted({_written(entry.platform) for entry in index.manifests if entry.platform})
            raise NotFound(
                f"no matching manifest for {_written(wanted)} in the manifest list entries of `{reference.familiar}`",
                hint=f"it has {', '.join(each for each in offered if 'unknown' not in each)[:300]}" if offered else "",
            )
        entry = found[0]
        inner = ask(self._source.repositories, lambda repository: repository.manifest(entry.digest))
        if len(inner.content) != entry.size_bytes:
            raise InvalidArgument(f"manifest `{entry.digest}` is not of the size that the index says")
        return self._for_platform(inner, wanted, reference, depth + 1)

    def _configuration(self, descriptor: Descriptor) -> bytes:
        blobs = self._assembler.blobs
        if descriptor.size_bytes > MAX_DOCUMENT_BYTES:
            raise InvalidArgument(f"the image's configuration is larger than {MAX_DOCUMENT_BYTES} bytes")
        if blobs.verify(descriptor.digest, descriptor.size_bytes):
            return blobs.read(descriptor.digest)
        return ask(
            self._source.repositories,
            lambda repository: repository.document(descriptor.digest, descriptor.size_bytes),
        )


def _media_type(document: Document) -> str:
    """Return what a document says it is; a registry's header may be more general.

    Raises InvalidArgument for one that is two things at once: another tool would see another image (CVE-2021-41190).
    """
    try:
        plain = json.loads(document.content)
    except (ValueError, RecursionError):
        return document.media_type
    if not isinstance(plain, dict):
        return document.media_type
    is_index = "manifests" in plain
    if is_index and ("layers" in plain or "config" in plain):
        raise InvalidArgument(f"manifest `{document.digest}` claims to be both an image and an index of images")
    if plain.get("schemaVersion") == 1:
        return DOCKER_MANIFEST_V1
    stated = str(plain.get("mediaType") or "")
    if stated and document.media_type in _KNOWN and document.media_type != stated:
        raise InvalidArgument(
            f"manifest `{document.digest}` says that it is `{stated:.100}`, its registry says `{document.media_type}`"
        )
    if stated:
        return stated
    return next(iter(INDEXES)) if is_index else document.media_type


def _check(manifest: Manifest, reference: Reference) -> None:
    """Refuse what is in a registry and is no image of files. Raises Unsupported."""
    if manifest.config.media_type not in CONFIGS:
        raise Unsupported(
            f"`{reference.familiar}` is not an image of a container: its configuration is of type"
            f" `{manifest.config.media_type:.100}`"
        )
    for layer in manifest.layers:
        if not is_layer(layer.media_type):
            raise Unsupported(f"`{reference.familiar}` has a layer of type `{layer.media_type:.100}`")


def _stored_name(reference: Reference) -> str:
    """Return the name to keep: with a digest the tag is for people, as Docker has it."""
    return f"{reference.familiar_name}@{reference.digest}" if reference.digest else reference.familiar


def _written(platform: Platform) -> str:
    return "/".join(part for part in (platform.os, platform.architecture, platform.variant) if part)


def _parsed(content: bytes, read: Callable[[object], T], what: str) -> T:
    try:
        return read(json.loads(content))
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            raise InvalidArgument(
                f"manifest `{what}` is not JSON",
                hint="a proxy, or a page for logging in, may have answered in the registry's place",
            ) from error
        raise InvalidArgument(f"manifest `{what}` is not valid: {error}") from error
