"""Compose files in registries: what `publish` puts there, and `oci://registry/name:tag` brings back.

An artefact is a manifest whose layers are files. Everything in it is a stranger's: a file's name is a name in one
folder or the artefact is refused (CVE-2025-62725), sizes are bounded before anything is fetched, and all has come and
has its digest before the first file is written.
Source: docker compose, pkg/remote/oci.go and internal/oci/push.go; OCI image-spec, manifest.md.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Protocol

from compose.errors import RemoteError
from compose.remote.cache import Cache
from runtime.errors import EngineError
from schemas.oci.image import Descriptor, Manifest, index_from_plain, manifest_from_plain
from schemas.oci.media_types import INDEXES

PROJECT_TYPE = "application/vnd.docker.compose.project"
COMPOSE_TYPE = "application/vnd.docker.compose.file+yaml"
ENV_TYPE = "application/vnd.docker.compose.envfile"
EMPTY_CONFIG_TYPE = "application/vnd.docker.compose.config.empty.v1+json"
"""Tells a project where there is no artifact type: in manifests of OCI 1.0."""

FILE = "com.docker.compose.file"
ENV_FILE = "com.docker.compose.envfile"
EXTENDS = "com.docker.compose.extends"
"""Marks a file that others extend, so that it is no part of the project by itself."""

COMPOSE_FILE = "compose.yaml"
"""What all Compose files of an artefact become, as documents of one file."""
MAX_BYTES = 16 << 20
"""Of all files of an artefact: what the loader takes of one."""
PATIENCE_S = 1.0
"""What may pass in silence."""

_DIGEST = re.compile(r"@sha256:([0-9a-f]{64})$")
_FILE_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}")
_SEPARATOR = b"\n---\n"


class Artefacts(Protocol):
    """What can be asked of registries. All raise EngineError."""

    def manifest(self, name: str, digest: str = "") -> tuple[str, bytes]:
        """Return digest and content of what a name leads to, or of the manifest `digest` in the same repository."""

    def blob(self, name: str, digest: str, size_bytes: int) -> bytes:
        """Return a blob of the repository, verified."""


class OciLoader:
    """Compose files in registries."""

    def __init__(self, cache: Cache, artefacts: Callable[[], Artefacts], tell_waiting: Callable[[str], None]) -> None:
        """`artefacts` is called when a registry is asked for the first time."""
        self._cache = cache
        self._open = artefacts
        self._artefacts: Artefacts | None = None
        self._tell_waiting = tell_waiting

    def fetch(self, text: str, *, by_fetched: bool) -> tuple[str, str]:  # noqa: ARG002 - leads nowhere on this machine
        """Raises RemoteError."""
        name = _name(text)
        with _telling(text, self._tell_waiting):
            pinned = _DIGEST.search(name)
            digest, content = (f"sha256:{pinned[1]}", b"") if pinned else self._registries().manifest(name)
            root = self._cache.tree(
                digest.removeprefix("sha256:"), lambda folder: self._bring(name, digest, content, folder)
            )
        return root, COMPOSE_FILE

    def _bring(self, name: str, digest: str, content: bytes, folder: str) -> None:
        registries = self._registries()
        try:
            manifest = self._manifest(name, content or registries.manifest(name, digest)[1])
            layers = [each for each in manifest.layers if each.media_type in (COMPOSE_TYPE, ENV_TYPE)]
            _require_small(layers)
            files = files_of(layers, [registries.blob(name, each.digest, each.size_bytes) for each in layers])
        except (ValueError, RecursionError) as error:
            raise RemoteError(f"not a Compose project: {error}") from None
        _write(f"{folder}/tree", files)

    def _manifest(self, name: str, content: bytes) -> Manifest:
        """The manifest of the project; an index has one among others. Raises ValueError."""
        plain = json.loads(content)
        if isinstance(plain, dict) and (plain.get("mediaType") in INDEXES or "manifests" in plain):
            entries = index_from_plain(plain).manifests
            entry = next((each for each in entries if each.artifact_type == PROJECT_TYPE), None)
            if entry is None:
                raise ValueError("the index lists none")
            plain = json.loads(self._registries().manifest(name, entry.digest)[1])
        manifest = manifest_from_plain(plain)
        kind = manifest.artifact_type or manifest.config.media_type
        if kind not in (PROJECT_TYPE, EMPTY_CONFIG_TYPE):
            raise ValueError(f"what is there is of type `{_shown(kind)}`")
        return manifest

    def _registries(self) -> Artefacts:
        if self._artefacts is None:
            self._artefacts = self._open()
        return self._artefacts


def files_of(layers: Sequence[Descriptor], contents: Sequence[bytes]) -> Mapping[str, bytes]:
    """The files of an artefact by their names, all for one folder. Raises ValueError for what is none."""
    documents = []
    files: dict[str, bytes] = {}
    for layer, content in zip(layers, contents, strict=True):
        if layer.media_type == COMPOSE_TYPE and EXTENDS not in layer.annotations:
            documents.append(content)
            continue
        key = ENV_FILE if layer.media_type == ENV_TYPE else FILE
        name = layer.annotations.get(key, "")
        if not _FILE_NAME.fullmatch(name) or name in (".", "..", COMPOSE_FILE):
            raise ValueError(f"annotation `{key}` is no name of a file: `{_shown(name)}`")
        if files.setdefault(name, content) != content:
            raise ValueError(f"it has two files `{name}`")
    if not documents:
        raise ValueError("it has no Compose file")
    return {COMPOSE_FILE: _SEPARATOR.join(documents), **files}


def _require_small(layers: Sequence[Descriptor]) -> None:
    size_bytes = sum(each.size_bytes for each in layers)
    if size_bytes > MAX_BYTES:
        raise ValueError(f"its files have {size_bytes} bytes, {MAX_BYTES} are possible")


def _write(folder: str, files: Mapping[str, bytes]) -> None:
    tree = Path(folder)
    tree.mkdir()
    for name, content in files.items():
        with (tree / name).open("xb") as file:
            file.write(content)


def _name(text: str) -> str:
    """The name in a registry that a reference has after its scheme. Raises RemoteError."""
    if not text.isprintable():
        raise RemoteError(f"{text!a} is no reference to a registry: it has characters that cannot be shown")
    name = text.partition("://")[2]
    if "@" in name and not _DIGEST.search(name):
        # Not shown: it may well be a password.
        hint = "the digest is `@sha256:` and 64 hexadecimal digits; `login` keeps credentials"
        raise RemoteError("a reference to a registry has nothing but a digest after `@`", hint=hint)
    return name


def _shown(text: str) -> str:
    return f"{text.encode('unicode_escape').decode('ascii'):.100}"


@contextmanager
def _telling(text: str, tell_waiting: Callable[[str], None]) -> Iterator[None]:
    """Say what is waited for, and name the reference in what goes wrong."""
    timer = Timer(PATIENCE_S, tell_waiting, [f"fetching {text} …"])
    timer.daemon = True
    timer.start()
    try:
        yield
    except (EngineError, RemoteError) as error:
        raise RemoteError(f"{text}: {error.message}", hint=error.hint) from None
    finally:
        timer.cancel()
