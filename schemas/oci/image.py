"""Index, manifest and descriptor (OCI image-spec: image-index.md, manifest.md, descriptor.md).

`…_from_plain` read parsed JSON of strangers: they raise ValueError for anything that is not as the
specification says, and ignore fields they do not know, as it demands.
"""

import re
from dataclasses import field

from schemas.dataclass import dataclass
from schemas.oci.media_types import DOCKER_MANIFEST_V1, INDEXES, MANIFESTS, OCI_INDEX, OCI_MANIFEST

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
MAX_LAYERS = 500
"""More lower directories than an overlay takes."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image of an index runs on."""

    os: str
    architecture: str
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob, named by its content."""

    media_type: str
    digest: str
    """`sha256:<hex>`; other algorithms are refused."""
    size_bytes: int
    annotations: dict[str, str] = field(default_factory=dict)
    platform: Platform | None = None
    artifact_type: str = ""
    """Of the manifest that an entry of an index leads to, where that is no image."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image, its configuration and its layers, lowest first; or an artefact, whose layers are any files."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = OCI_MANIFEST
    artifact_type: str = ""
    annotations: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Index:
    """Several images: one for each platform, or the content of an archive."""

    manifests: tuple[Descriptor, ...]


def descriptor_from_plain(plain: object) -> Descriptor:
    """Return a descriptor. Raises ValueError."""
    source = _mapping(plain, "descriptor")
    digest = source.get("digest")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ValueError(f"not a sha256 digest: `{digest!s:.100}`")
    size = source.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError(f"not a size: `{size!s:.100}`")
    media_type = source.get("mediaType", "")
    if not isinstance(media_type, str):
        raise ValueError(f"not a media type: `{media_type!s:.100}`")
    return Descriptor(
        media_type,
        digest,
        size,
        _strings(source.get("annotations")),
        _platform(source.get("platform")),
        _text(source.get("artifactType")),
    )


def manifest_from_plain(plain: object) -> Manifest:
    """Return a manifest. Raises ValueError."""
    source = _mapping(plain, "manifest")
    media_type = source.get("mediaType") or OCI_MANIFEST
    if source.get("schemaVersion") == 1 or media_type == DOCKER_MANIFEST_V1:
        raise ValueError("a manifest of schema version 1, which Docker gave up in 2019")
    if media_type not in MANIFESTS:
        raise ValueError(f"not a manifest: `{media_type!s:.100}`")
    layers = tuple(descriptor_from_plain(layer) for layer in _list(source.get("layers"), "layers"))
    if len(layers) > MAX_LAYERS:
        raise ValueError(f"{len(layers)} layers, {MAX_LAYERS} are possible")
    return Manifest(
        descriptor_from_plain(source.get("config")),
        layers,
        str(media_type),
        _text(source.get("artifactType")),
        _strings(source.get("annotations")),
    )


def index_from_plain(plain: object) -> Index:
    """Return an index. Raises ValueError."""
    source = _mapping(plain, "index")
    media_type = source.get("mediaType") or OCI_INDEX
    if media_type not in INDEXES:
        raise ValueError(f"not an index: `{media_type!s:.100}`")
    return Index(tuple(descriptor_from_plain(entry) for entry in _list(source.get("manifests"), "manifests")))


def descriptor_to_plain(descriptor: Descriptor) -> dict[str, object]:
    """Return what JSON can write."""
    plain: dict[str, object] = {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size_bytes,
    }
    if descriptor.annotations:
        plain["annotations"] = dict(descriptor.annotations)
    return plain


def manifest_to_plain(manifest: Manifest) -> dict[str, object]:
    """Return what JSON can write."""
    return {
        "schemaVersion": 2,
        "mediaType": manifest.media_type,
        **({"artifactType": manifest.artifact_type} if manifest.artifact_type else {}),
        "config": descriptor_to_plain(manifest.config),
        "layers": [descriptor_to_plain(layer) for layer in manifest.layers],
        **({"annotations": dict(manifest.annotations)} if manifest.annotations else {}),
    }


def _platform(plain: object) -> Platform | None:
    if plain is None:
        return None
    source = _mapping(plain, "platform")
    values = [source.get(key, "") for key in ("os", "architecture", "variant")]
    os, architecture, variant = map(_text, values)
    return Platform(os, architecture, variant)


def _text(plain: object) -> str:
    return plain if isinstance(plain, str) else ""


def _mapping(plain: object, what: str) -> dict[str, object]:
    if not isinstance(plain, dict):
        raise ValueError(f"not a {what}: {type(plain).__name__}")
    return plain


def _list(plain: object, what: str) -> list[object]:
    if not isinstance(plain, list):
        raise ValueError(f"`{what}` is not a list")
    return plain


def _strings(plain: object) -> dict[str, str]:
    if plain is None:
        return {}
    return {str(key): value for key, value in _mapping(plain, "mapping").items() if isinstance(value, str)}
