"""The distribution-spec's statements about clients, and the data of its conformance suite as a client meets it.

What each statement is and which test holds it: docs/registries.md.
"""

import gzip
import hashlib
import json

import pytest

from runtime.errors import InvalidArgument, NotFound, Unsupported
from schemas.engine.transfers import TransferStage
from tests.integration.image.tars import Entry, folder, layer
from tests.integration.registry.conftest import Client, Listener, remote_digest
from tests.support import registry
from tests.support.registry import ARCHITECTURE, Blob, RegistryServer, RemoteImage
from tests.support.registry_proxy import Exchange, RegistryProxy, times
from tests.support.zstd_frames import stored

BASE = layer(folder("./"), folder("etc"), Entry("etc/name", b"base"))
TOP = layer(folder("etc"), Entry("etc/name", b"top"))
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MINE = {"os": "linux", "architecture": ARCHITECTURE}


@pytest.fixture
def image(server: RegistryServer) -> RemoteImage:
    """Put an image into the registry."""
    return registry.put(server.host, "spec/image", "1", registry.image(BASE, TOP))


@pytest.fixture
def name(proxy: RegistryProxy, image: RemoteImage) -> str:
    """Return the image's name, by way of the proxy."""
    return f"{proxy.host}/spec/image:1"


def _diff_id(tar: bytes) -> str:
    return f"sha256:{hashlib.sha256(tar).hexdigest()}"


def _with(image: RemoteImage, **more: object) -> Blob:
    """Return the image's manifest with other fields."""
    return Blob(json.dumps({**json.loads(image.manifest.content), **more}).encode(), image.manifest.media_type)


def test_a_manifest_must_be_asked_for_by_the_types_that_are_understood(client: Client, proxy: RegistryProxy, name: str):
    """`Accept` has images and indexes of both families, and no schema 1."""
    client.distribution.pull(name)
    (asked,) = [each.headers["Accept"] for each in proxy.seen if "/manifests/" in each.path]
    assert set(asked.split(", ")) == {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        DOCKER_MANIFEST,
    }


@pytest.mark.parametrize(
    "content_type", [registry.MANIFEST + "; charset=utf-8", "application/json", "", "text/plain"], ids=str
)
def test_a_content_type_that_says_little_must_do(
    client: Client, proxy: RegistryProxy, image: RemoteImage, name: str, content_type: str
):
    """Parameters are passed over; what is no type of manifests leaves it to the manifest itself."""
    content = image.manifest.content
    proxy.faults.append(times(1, "/manifests/", lambda each: each.answer(200, content, {"Content-Type": content_type})))
    assert client.distribution.pull(name).image.id == image.id


def test_a_manifest_of_another_type_than_announced_must_be_refused(
    client: Client, proxy: RegistryProxy, image: RemoteImage, name: str
):
    """Two tools could take it for two things (CVE-2021-41190)."""
    content = image.manifest.content
    proxy.faults.append(
        times(9, "/manifests/", lambda each: each.answer(200, content, {"Content-Type": registry.INDEX}))
    )
    with pytest.raises(InvalidArgument, match=r"says that it is `.*manifest\.v1\+json`, its registry says `.*index"):
        client.distribution.pull(name)


def test_a_manifest_that_is_an_index_too_must_be_refused(
    client: Client, proxy: RegistryProxy, image: RemoteImage, name: str
):
    """With layers and with manifests: which one is meant, nobody can tell."""
    both = _with(image, manifests=[{**image.manifest.descriptor, "platform": MINE}])
    proxy.faults.append(
        times(9, "/manifests/", lambda each: each.answer(200, both.content, {"Content-Type": both.media_type}))
    )
    with pytest.raises(InvalidArgument, match="both an image and an index"):
        client.distribution.pull(name)


def test_a_digest_that_the_registry_claims_must_be_the_manifests(client: Client, proxy: RegistryProxy, name: str):
    """`Docker-Content-Digest`, also where only a tag was asked for; one of another algorithm is passed over."""

    def claiming(digest: str):
        def answer(exchange: Exchange) -> None:
            status, headers, body = exchange.fetch()
            exchange.answer(status, body, {**headers, "Docker-Content-Digest": digest})

        return answer

    proxy.faults.append(times(1, "/manifests/", claiming("sha256:" + "0" * 64)))
    with pytest.raises(InvalidArgument, match="has digest"):
        client.distribution.pull(name)
    proxy.faults.append(times(1, "/manifests/", claiming("sha512:" + "0" * 128)))
    assert client.distribution.pull(name).is_new


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_registry_without_head_must_be_asked_by_get(client: Client, proxy: RegistryProxy, image: RemoteImage, status):
    """For what a tag leads to now."""
    proxy.faults.append(times(9, "/manifests/", lambda each: each.answer(status), "HEAD"))
    assert remote_digest(f"{proxy.host}/spec/image:1") == image.manifest.digest
    with pytest.raises(NotFound, match="manifest unknown"):
        remote_digest(f"{proxy.host}/spec/image:2")


def test_a_registry_that_changes_what_is_pushed_must_be_found_out(client: Client, proxy: RegistryProxy, name: str):
    """The digest it answers with is that of what it stored."""
    client.distribution.pull(name)
    other = {"Docker-Content-Digest": "sha256:" + "0" * 64}
    proxy.faults.append(times(1, "/manifests/", lambda each: each.answer(201, b"", other), "PUT"))
    with pytest.raises(InvalidArgument, match="stored another manifest"):
        client.distribution.push(name)


def test_warnings_of_a_registry_must_be_told_once(client: Client, proxy: RegistryProxy, name: str):
    """However many answers have them; quotes are taken off, escape sequences do not get through."""
    told = '299 - "this \\"image\\" is deprecated", 299 - "bye\x1b[31m", 199 - "of another kind"'

    def warning(exchange: Exchange) -> bool:
        status, headers, body = exchange.fetch()
        length = headers.pop("Content-Length", "0")
        exchange.begin(status, {**headers, "Content-Length": length, "Warning": told})
        exchange.send(body)
        return True

    proxy.faults.append(warning)
    listener = Listener()
    client.distribution.pull(name, listener=listener)
    warned = [(event.layer, event.source) for event in listener.events if event.stage is TransferStage.WARNED]
    assert warned == [(proxy.host, 'this "image" is deprecated'), (proxy.host, "bye [31m")]


def test_data_of_the_conformance_suite_must_be_an_image_or_one_clear_error(client: Client, server: RegistryServer):
    """Unknown fields, embedded data, a subject, an artefact type, no layers, an index in an index."""
    host = server.host
    image = registry.put(host, "spec/data", "image", registry.image(BASE))
    descriptors = {"config": {**image.config.descriptor, "data": "e30="}, "layers": [image.layers[0].descriptor]}
    for tag, manifest in {
        "custom": _with(image, **{"org.example.custom": {"a": [1, None]}}, annotations={"a": "b"}),
        "data": _with(image, **descriptors),
        "subject": _with(image, subject={**image.manifest.descriptor, "digest": "sha256:" + "1" * 64}),
    }.items():
        registry.put_manifest(host, "spec/data", tag, manifest)
        assert client.distribution.pull(f"{host}/spec/data:{tag}").image.id == image.id
    empty = registry.put(host, "spec/data", "empty", registry.assembled([], []))
    assert client.distribution.pull(f"{host}/spec/data:empty").image.id == empty.id
    registry.put_blob(host, "spec/data", Blob(b"{}", ""))
    artefact = _with(
        image,
        artifactType="application/vnd.example",
        config=Blob(b"{}", "application/vnd.oci.empty.v1+json").descriptor,
    )
    registry.put_manifest(host, "spec/data", "artefact", artefact)
    with pytest.raises(Unsupported, match=r"its configuration is of type `application/vnd\.oci\.empty\.v1\+json`"):
        client.distribution.pull(f"{host}/spec/data:artefact")
    inner = registry.index((image.manifest, MINE))
    registry.put_manifest(host, "spec/data", "inner", inner)
    registry.put_manifest(host, "spec/data", "outer", registry.index((inner, None)))
    assert client.distribution.pull(f"{host}/spec/data:outer").image.id == image.id


def test_a_digest_of_another_algorithm_must_be_said(
    client: Client, proxy: RegistryProxy, image: RemoteImage, name: str
):
    """The store is one of sha256."""
    layers = [{**image.layers[0].descriptor, "digest": "sha512:" + "0" * 128}]
    manifest = _with(image, layers=layers)
    proxy.faults.append(
        times(9, "/manifests/", lambda each: each.answer(200, manifest.content, {"Content-Type": manifest.media_type}))
    )
    with pytest.raises(InvalidArgument, match="not a sha256 digest: `sha512:"):
        client.distribution.pull(name)


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "plain"])
def test_an_image_of_schema_1_must_be_named_as_what_it_is(
    client: Client, proxy: RegistryProxy, name: str, signed: bool
):
    """What to do stands beside it."""
    kind = "prettyjws" if signed else "json"
    content = json.dumps({"schemaVersion": 1, "name": "spec/image", "tag": "1", "fsLayers": [], "history": []}).encode()
    headers = {"Content-Type": f"application/vnd.docker.distribution.manifest.v1+{kind}"}
    proxy.faults.append(times(9, "/manifests/", lambda each: each.answer(200, content, headers)))
    with pytest.raises(Unsupported, match="schema version 1") as caught:
        client.distribution.pull(name)
    assert "push it again" in caught.value.hint


def test_layers_of_zstd_must_be_pulled(client: Client, server: RegistryServer):
    """As newer builders pack them, beside such of gzip."""
    packed = Blob(stored(TOP), "application/vnd.oci.image.layer.v1.tar+zstd")
    plain = Blob(gzip.compress(BASE), registry.GZIP_LAYER)
    registry.put(server.host, "spec/zstd", "1", registry.assembled([plain, packed], [_diff_id(BASE), _diff_id(TOP)]))
    client.distribution.pull(f"{server.host}/spec/zstd:1")
    assert client.files(f"{server.host}/spec/zstd:1")["etc/name"] == b"top"


def test_an_image_of_many_layers_must_be_pulled(client: Client, server: RegistryServer):
    """More than the 127 that Docker's storage takes; an empty layer among them."""
    tars = [layer(folder("./"), Entry(f"file{number}", b"%d" % number)) for number in range(140)]
    registry.put(server.host, "spec/many", "1", registry.image(*tars, layer()))
    client.distribution.pull(f"{server.host}/spec/many:1")
    assert len(client.files(f"{server.host}/spec/many:1")) == 140
