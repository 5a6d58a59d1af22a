"""From files to the artefact that `publish` puts into a registry, as docker compose makes it and `oci` reads it.

Source: docker compose, internal/oci/push.go; OCI image-spec 1.1, manifest.md, guidelines for artifact usage.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

from compose.remote.oci import COMPOSE_TYPE, EMPTY_CONFIG_TYPE, ENV_FILE, ENV_TYPE, EXTENDS, FILE, PROJECT_TYPE
from schemas.dataclass import dataclass
from schemas.oci.image import Descriptor, Manifest, manifest_to_plain

OCI_VERSIONS = ("1.1", "1.0")
"""Newest first."""

_EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_VERSION = "com.docker.compose.version"
_CREATED = "org.opencontainers.image.created"


@dataclass(frozen=True, slots=True)
class Layer:
    """A file of the artefact."""

    descriptor: Descriptor
    content: bytes


def compose_layer(name: str, content: bytes, version: str, *, is_extended: bool = False) -> Layer:
    """Return a Compose file; `version` is that of the program."""
    return _layer(COMPOSE_TYPE, content, {_VERSION: version, FILE: name} | ({EXTENDS: "true"} if is_extended else {}))


def env_layer(name: str, content: bytes, version: str) -> Layer:
    """Return an env file."""
    return _layer(ENV_TYPE, content, {_VERSION: version, ENV_FILE: name})


def blobs(layers: Sequence[Layer]) -> Mapping[str, bytes]:
    """Return all that has to be in the registry before the manifest, by digest."""
    return {_digest(_EMPTY): _EMPTY, **{layer.descriptor.digest: layer.content for layer in layers}}


def manifest(layers: Sequence[Layer], oci_version: str, created: str) -> bytes:
    """Return the manifest; `created` is a time as RFC 3339 has it.

    OCI 1.0 knows no type of artefacts: there, the type of the empty configuration tells what it is.
    """
    old = oci_version == "1.0"
    config = Descriptor(EMPTY_CONFIG_TYPE if old else _EMPTY_TYPE, _digest(_EMPTY), len(_EMPTY))
    descriptors = tuple(layer.descriptor for layer in layers)
    kind = "" if old else PROJECT_TYPE
    whole = Manifest(config, descriptors, artifact_type=kind, annotations={_CREATED: created})
    return json.dumps(manifest_to_plain(whole)).encode()


def _layer(media_type: str, content: bytes, annotations: dict[str, str]) -> Layer:
    return Layer(Descriptor(media_type, _digest(content), len(content), annotations), content)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
