"""A real registry server (Debian's docker-registry) on loopback, and images put into it without our own client."""

import gzip
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.support.ports import free_port

PROGRAM = "docker-registry"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def lacking() -> str:
    """Return what is missing to start one, empty when nothing is."""
    return "" if shutil.which(PROGRAM) else f"{PROGRAM}: install the package {PROGRAM}"


class RegistryServer:
    """One server; `more` is merged into its configuration's top level, `environment` is added to its own."""

    def __init__(self, folder: Path, more: str = "", *, tls: "tuple[Path, Path] | None" = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self._folder = folder
        certificate = f"\n  tls: {{certificate: {tls[0]}, key: {tls[1]}}}" if tls else ""
        (folder / "config.yml").write_text(
            f"version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {folder / 'data'}}}\n"
            f"  delete: {{enabled: true}}\nhttp:\n  addr: {self.host}{certificate}\n{more}"
        )
        self._log = (folder / "log").open("w")
        self._process = subprocess.Popen(
            [PROGRAM, "serve", str(folder / "config.yml")], stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            assert self._process.poll() is None, (self._folder / "log").read_text()
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/v2/")
                connection.getresponse().read()
            except OSError:
                assert time.monotonic() < deadline, "the registry does not answer"
                time.sleep(0.02)
            else:
                return
            finally:
                connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._log.close()


@dataclass(frozen=True)
class Blob:
    """Content and its descriptor."""

    content: bytes
    media_type: str
    more: dict[str, object] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    @property
    def descriptor(self) -> dict[str, object]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content), **self.more}


@dataclass(frozen=True)
class RemoteImage:
    """An image as it is in a registry."""

    manifest: Blob
    config: Blob
    layers: tuple[Blob, ...]

    @property
    def id(self) -> str:
        return self.config.digest


def image(*tars: bytes, architecture: str = ARCHITECTURE, config: dict[str, object] | None = None) -> RemoteImage:
    """Return an image with these layers, packed by gzip."""
    layers = tuple(Blob(gzip.compress(tar, 1, mtime=0), GZIP_LAYER) for tar in tars)
    diff_ids = [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in tars]
    return assembled(layers, diff_ids, architecture=architecture, config=config)


def assembled(
    layers: Sequence[Blob],
    diff_ids: Sequence[str],
    *,
    architecture: str = ARCHITECTURE,
    config: dict[str, object] | None = None,
) -> RemoteImage:
    """Return an image of packed layers, whatever they are."""
    document = {
        "architecture": architecture,
        "os": "linux",
        "config": config or {},
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
    }
    configuration = Blob(json.dumps(document).encode(), CONFIG)
    plain = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": configuration.descriptor,
        "layers": [layer.descriptor for layer in layers],
    }
    return RemoteImage(Blob(json.dumps(plain).encode(), MANIFEST), configuration, tuple(layers))


def index(*entries: tuple[Blob, dict[str, str] | None], media_type: str = INDEX) -> Blob:
    """Return an index of manifests, each with its platform."""
    manifests = [
        {**blob.descriptor, **({"platform": platform} if platform is not None else {})} for blob, platform in entries
    ]
    plain = {"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}
    return Blob(json.dumps(plain).encode(), media_type)


def put(host: str, repository: str, tag: str, what: RemoteImage) -> RemoteImage:
    """Put an image into a registry, by plain HTTP and without credentials."""
    for blob in (what.config, *what.layers):
        put_blob(host, repository, blob)
    put_manifest(host, repository, tag, what.manifest)
    return what


def put_blob(host: str, repository: str, blob: Blob) -> None:
    """Put one blob."""
    _, headers = _ask(host, "POST", f"/v2/{repository}/blobs/uploads/", 202)
    place = headers["Location"].split(host, 1)[-1]
    _ask(host, "PUT", f"{place}&digest={blob.digest}", 201, blob.content)


def put_manifest(host: str, repository: str, tag: str, manifest: Blob) -> None:
    """Put one manifest or index."""
    headers = {"Content-Type": manifest.media_type}
    _ask(host, "PUT", f"/v2/{repository}/manifests/{tag}", 201, manifest.content, headers)


def get(host: str, path: str, accept: str = MANIFEST) -> bytes:
    """Return what is at a path."""
    return _ask(host, "GET", path, 200, headers={"Accept": accept})[0]


def _ask(
    host: str, method: str, path: str, expected: int, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[bytes, dict[str, str]]:
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        content = response.read()
        assert response.status == expected, f"{method} {path}: {response.status} {content[:500]!r}"
        return content, dict(response.headers)
    finally:
        connection.close()
