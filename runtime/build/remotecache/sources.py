"""Where shared caches are read: in a registry, in an image of the store, in a folder.

Each is a manifest with a configuration and layers. Nothing that it says is believed but by its digest.
"""

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from runtime.api import Distribution, TransferListener
from runtime.build.remotecache.documents import CACHE_CONFIG, CacheContent, read_config, read_inline
from runtime.errors import InvalidArgument, NotFound
from runtime.image.content import MAX_DOCUMENT_BYTES
from runtime.image.identity import hexadecimal
from runtime.image.platforms import candidates, own_platform
from runtime.image.store import ImageStore, named_errors
from schemas.engine.builds import CacheKind, CacheSource
from schemas.engine.identifiers import DiffID
from schemas.oci.image import Descriptor, index_from_plain, manifest_from_plain
from schemas.oci.media_types import CONFIGS, INDEXES, REF_NAME

_MAX_NESTING = 3
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
INDEX = "index.json"


class SharedCache(Protocol):
    """One of the caches that a build names."""

    name: str
    """What the user calls it."""

    def read(self) -> CacheContent:
        """Return what it says. Raises EngineError."""

    def fetch(self, layers: Mapping[DiffID, Descriptor]) -> None:
        """Bring layers into the store, verified and unpacked. Call under its lease. Raises EngineError."""


class RegistryCache:
    """A cache, or an image with one inside. An image of that name in the store is not asked for in a registry."""

    def __init__(
        self, name: str, store: ImageStore, registries: Callable[[], Distribution], listener: TransferListener
    ) -> None:
        self.name = name
        self._store = store
        self._registries = registries
        self._listener = listener

    def read(self) -> CacheContent:
        """Return what it says. Raises NotFound, PermissionDenied, Unavailable, InvalidArgument, Cancelled."""
        manifest = self._store.manifest(self.name)
        if manifest is not None:
            return _content(manifest, lambda blob: self._store.blobs.read(blob.digest), self._store.blobs.read)
        distribution = self._registries()
        return _content(
            distribution.manifest(self.name),
            lambda blob: distribution.document(self.name, blob),
            lambda digest: distribution.manifest(self.name, digest),
        )

    def fetch(self, layers: Mapping[DiffID, Descriptor]) -> None:
        """Bring layers. Raises as `read` does, and ResourceExhausted."""
        self._registries().fetch_layers(self.name, layers, self._listener)


class FolderCache:
    """A cache in an OCI layout."""

    def __init__(self, source: CacheSource, store: ImageStore) -> None:
        self.name = source.name
        self._source = source
        self._folder = Path(source.place)
        self._store = store

    def read(self) -> CacheContent:
        """Return what it says. Raises NotFound, InvalidArgument."""
        index = _index(_document(self._folder / INDEX))
        wanted = self._source.digest
        for entry in index:
            if entry.digest == wanted if wanted else entry.annotations.get(REF_NAME) == self._source.tag:
                return _content(self._blob(entry.digest), lambda blob: self._blob(blob.digest), self._blob)
        raise NotFound(f"the folder `{self._folder}` has no cache `{wanted or self._source.tag}`")

    def fetch(self, layers: Mapping[DiffID, Descriptor]) -> None:
        """Bring layers. Raises NotFound, InvalidArgument, Unsupported, ResourceExhausted."""
        with named_errors("build"):
            for diff_id, blob in layers.items():
                with _opened(self._path(blob.digest)) as file:
                    self._store.assembler.add_layer(file, (), expected=blob, diff_id=diff_id)

    def _blob(self, digest: str) -> bytes:
        content = _document(self._path(digest))
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise InvalidArgument(f"blob `{digest}` of the cache `{self._folder}` has another content")
        return content

    def _path(self, digest: str) -> Path:
        return self._folder / "blobs" / "sha256" / hexadecimal(digest)


def open_cache(
    source: CacheSource, store: ImageStore, registries: Callable[[], Distribution], listener: TransferListener
) -> SharedCache:
    """Return a cache that a build names. Nothing is read yet."""
    if source.kind is CacheKind.LOCAL:
        return FolderCache(source, store)
    return RegistryCache(source.place, store, registries, listener)


def _content(
    manifest: bytes, blob: Callable[[Descriptor], bytes], inner: Callable[[str], bytes], depth: int = 0
) -> CacheContent:
    """Return what a manifest's configuration says: of a cache, of an image, or of one that an index lists."""
    try:
        plain = json.loads(manifest)
        if not isinstance(plain, dict) or not (plain.get("mediaType") in INDEXES or "manifests" in plain):
            found = manifest_from_plain(plain)
            if found.config.media_type == CACHE_CONFIG:
                return read_config(blob(found.config), found.layers)
            if found.config.media_type in CONFIGS:
                return read_inline(blob(found.config), found.layers)
            raise InvalidArgument(f"this is no cache: its configuration is a `{found.config.media_type:.100}`")
        entries = index_from_plain(plain).manifests
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"the cache's manifest is not valid: {error}") from error
    # The older form, which BuildKit writes with `image-manifest=false`.
    for entry in entries:
        if entry.media_type == CACHE_CONFIG:
            return read_config(blob(entry), entries)
    fitting = candidates(entries, own_platform())
    if not fitting or depth >= _MAX_NESTING:
        raise NotFound("the cache has nothing for this machine's platform")
    return _content(inner(fitting[0].digest), blob, inner, depth + 1)


def _index(content: bytes) -> tuple[Descriptor, ...]:
    try:
        return index_from_plain(json.loads(content)).manifests
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"the cache's `{INDEX}` is not valid: {error}") from error


def _document(path: Path) -> bytes:
    with _opened(path) as file:
        content = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(content) > MAX_DOCUMENT_BYTES:
        raise InvalidArgument(f"`{path}` is larger than {MAX_DOCUMENT_BYTES} bytes")
    return content


def _opened(path: Path) -> BinaryIO:
    """Open a file of a folder that others write. Raises NotFound, InvalidArgument for what is no regular file."""
    try:
        descriptor = os.open(path, _FILE)
    except OSError as error:
        raise NotFound(f"cannot read `{path}`: {os.strerror(error.errno or 0).lower()}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidArgument(f"`{path}` is not a regular file")
    return os.fdopen(descriptor, "rb")
