"""Artefacts of Compose files as docker compose publishes them, and as nobody should."""

import json

from tests.support.registry import MANIFEST, Blob, RemoteImage

PROJECT = "application/vnd.docker.compose.project"
COMPOSE_FILE = "application/vnd.docker.compose.file+yaml"
ENV_FILE = "application/vnd.docker.compose.envfile"
EMPTY = "application/vnd.oci.empty.v1+json"
OLD_EMPTY = "application/vnd.docker.compose.config.empty.v1+json"


def compose_file(text: str, name: str = "compose.yaml", *, extended: bool = False) -> Blob:
    """Return a layer with a Compose file; others extend it, or it is the project's own."""
    annotations = {"com.docker.compose.file": name, **({"com.docker.compose.extends": "true"} if extended else {})}
    return Blob(text.encode(), COMPOSE_FILE, {"annotations": annotations})


def env_file(text: str, name: str) -> Blob:
    """Return a layer with an env file."""
    return Blob(text.encode(), ENV_FILE, {"annotations": {"com.docker.compose.envfile": name}})


def project(*layers: Blob, kind: str = PROJECT, config: str = EMPTY) -> RemoteImage:
    """Return an artefact with these files; without a kind, it is one of OCI 1.0."""
    empty = Blob(b"{}", config)
    plain = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        **({"artifactType": kind} if kind else {}),
        "config": empty.descriptor,
        "layers": [layer.descriptor for layer in layers],
    }
    return RemoteImage(Blob(json.dumps(plain).encode(), MANIFEST), empty, layers)
