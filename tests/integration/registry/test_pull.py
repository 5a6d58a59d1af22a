"""Pulling from a real registry: what arrives is what was pushed, once, and whole."""

import gzip
import hashlib
import json
import threading

import pytest

from runtime.errors import InvalidArgument, NotFound, Unsupported
from schemas.engine.transfers import TransferStage
from tests.integration.image.tars import Entry, folder, layer
from tests.integration.registry.conftest import Client, Listener, remote_digest
from tests.support import registry
from tests.support.registry import ARCHITECTURE, Blob, RegistryServer
from tests.support.registry_proxy import RegistryProxy

BASE = layer(folder("./"), folder("etc"), Entry("etc/name", b"base"), folder("tmp", 0o1777))
TOP = layer(folder("etc"), Entry("etc/name", b"top"), Entry("etc/more", b"x" * 100_000))
OTHER = "arm64" if ARCHITECTURE != "arm64" else "amd64"


def test_a_pulled_image_must_have_the_registrys_id_and_every_file(client: Client, server: RegistryServer):
    """Its name leads to it, and nothing is left in the making."""
    pushed = registry.put(server.host, "pull/two", "1", registry.image(BASE, TOP, config={"Cmd": ["sh"]}))
    listener = Listener()
    pulled = client.distribution.pull(f"{server.host}/pull/two:1", listener=listener)
    assert (pulled.image.id, pulled.digest, pulled.is_new) == (pushed.id, pushed.manifest.digest, True)
    assert pulled.image.references == (f"{server.host}/pull/two:1",)
    assert pulled.image.config.command == ("sh",)
    assert client.files(f"{server.host}/pull/two:1") == {"etc/name": b"top", "etc/more": b"x" * 100_000}
    assert client.leftovers() == []
    finals = [event.layer for event in listener.events if event.stage is TransferStage.PULLED]
    assert sorted(finals) == sorted(each.digest[7:19] for each in pushed.layers)


def test_a_pull_of_what_is_there_must_fetch_no_layer(client: Client, server: RegistryServer, proxy: RegistryProxy):
    """A second pull asks for the manifest alone, and says that nothing is new."""
    registry.put(server.host, "pull/again", "1", registry.image(BASE))
    name = f"{proxy.host}/pull/again:1"
    assert client.distribution.pull(name).is_new
    asked = proxy.count("GET", "/blobs/")
    listener = Listener()
    assert not client.distribution.pull(name, listener=listener).is_new
    assert proxy.count("GET", "/blobs/") == asked
    assert {event.stage for event in listener.events} == {TransferStage.EXISTS}


def test_a_tag_that_moved_must_lead_to_the_new_image(client: Client, server: RegistryServer):
    """The old image loses its name; layers both have are not fetched again."""
    registry.put(server.host, "pull/moved", "1", registry.image(BASE))
    name = f"{server.host}/pull/moved:1"
    old = client.distribution.pull(name).image.id
    registry.put(server.host, "pull/moved", "1", registry.image(BASE, TOP))
    pulled = client.distribution.pull(name)
    assert pulled.is_new
    assert pulled.image.id != old
    assert client.store.resolve(name).id == pulled.image.id
    assert client.store.resolve(old).references == ()


@pytest.mark.parametrize("kind", [registry.INDEX, "application/vnd.docker.distribution.manifest.list.v2+json"])
def test_an_index_must_give_the_image_for_this_machine(client: Client, server: RegistryServer, kind: str):
    """Statements about images (attestations) and other platforms are passed over."""
    mine, other = registry.image(BASE), registry.image(TOP, architecture=OTHER)
    statement = registry.assembled([], [], architecture="unknown")
    for each in (mine, other, statement):
        registry.put(server.host, "pull/index", each.manifest.digest, each)
    entries = [
        (statement.manifest, {"os": "unknown", "architecture": "unknown"}),
        (other.manifest, {"os": "linux", "architecture": OTHER, "variant": "v8"}),
        (mine.manifest, {"os": "linux", "architecture": ARCHITECTURE}),
    ]
    listed = registry.index(*entries, media_type=kind)
    registry.put_manifest(server.host, "pull/index", "multi", listed)
    name = f"{server.host}/pull/index:multi"
    pulled = client.distribution.pull(name)
    assert (pulled.image.id, pulled.digest) == (mine.id, listed.digest)
    assert client.distribution.pull(name, f"linux/{OTHER}").image.id == other.id
    with pytest.raises(NotFound, match="no matching manifest for linux/s390x"):
        client.distribution.pull(name, "linux/s390x")
    by_digest = client.distribution.pull(f"{server.host}/pull/index@{listed.digest}")
    assert by_digest.image.id == mine.id


def test_a_platform_that_the_only_image_has_not_must_be_refused(client: Client, server: RegistryServer):
    """An image without an index says itself what it is for."""
    registry.put(server.host, "pull/single", "1", registry.image(BASE))
    with pytest.raises(Unsupported, match=f"is for linux/{ARCHITECTURE}, not for linux/{OTHER}"):
        client.distribution.pull(f"{server.host}/pull/single:1", f"linux/{OTHER}")


def test_a_digest_must_be_pulled_and_found_with_and_without_a_tag(client: Client, server: RegistryServer):
    """The tag beside a digest is for people: both names lead to the image, and the tag alone does not."""
    pushed = registry.put(server.host, "pull/digest", "1", registry.image(BASE))
    name = f"{server.host}/pull/digest"
    digest = pushed.manifest.digest
    assert client.distribution.pull(f"{name}:whatever@{digest}").image.id == pushed.id
    assert client.store.resolve(f"{name}@{digest}").id == pushed.id
    assert client.store.resolve(f"{name}:whatever@{digest}").id == pushed.id
    with pytest.raises(NotFound):
        client.store.resolve(f"{name}:1")
    assert remote_digest(f"{name}:1") == digest


def test_what_is_not_there_must_be_said_in_the_registrys_words(client: Client, server: RegistryServer):
    """Unknown repository, tag and digest."""
    registry.put(server.host, "pull/known", "1", registry.image(BASE))
    for name in ("pull/unknown:1", "pull/known:2", "pull/known@sha256:" + "0" * 64):
        with pytest.raises(NotFound, match="not found: manifest unknown"):
            client.distribution.pull(f"{server.host}/{name}")
    assert client.leftovers() == []


def test_a_layer_that_occurs_twice_must_be_fetched_once(client: Client, server: RegistryServer, proxy: RegistryProxy):
    """Builders repeat the empty layer; here one repeats whose parent folder only the layer below describes."""
    implied = layer(Entry("tmp/inside", b"1"))
    registry.put(server.host, "pull/twice", "1", registry.image(BASE, implied, TOP, implied, BASE, implied))
    name = f"{proxy.host}/pull/twice:1"
    pulled = client.distribution.pull(name)
    blob = Blob(gzip.compress(implied, 1, mtime=0), "").digest
    assert proxy.count("GET", blob) == 1
    top = client.store.lower_directories(pulled.image)
    # The base is stacked where it is topmost alone: it says the same further down.
    assert len(top) == 5
    # Not 0755, which is what a made-up folder would have.
    with_tmp = [folder for folder in client.store.lower_directories(pulled.image) if "chain" in folder]
    assert len(with_tmp) == 3
    assert client.leftovers() == []


def test_concurrent_pulls_must_download_a_layer_once(client: Client, server: RegistryServer, proxy: RegistryProxy):
    """Two images with one layer in common, pulled at the same time."""
    shared = layer(folder("./"), Entry("big", bytes(range(256)) * 20_000))
    for tag, own in (("a", BASE), ("b", TOP)):
        registry.put(server.host, "pull/shared", tag, registry.image(shared, own))
    held = threading.Event()

    def slowly(exchange) -> bool:
        if "/blobs/" in exchange.path and exchange.method == "GET":
            held.wait(0.3)
        return False

    proxy.faults.append(slowly)
    failures: list[BaseException] = []

    def pull(tag: str) -> None:
        try:
            client.distribution.pull(f"{proxy.host}/pull/shared:{tag}")
        except BaseException as error:  # noqa: BLE001 - asserted on below
            failures.append(error)

    threads = [threading.Thread(target=pull, args=(tag,)) for tag in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    blob = Blob(gzip.compress(shared, 1, mtime=0), "").digest
    assert proxy.count("GET", blob) == 1
    for tag in ("a", "b"):
        assert "big" in client.files(f"{proxy.host}/pull/shared:{tag}")


def test_a_broken_blob_of_the_store_must_be_found_and_fetched_again(
    client: Client, server: RegistryServer, proxy: RegistryProxy
):
    """A pull verifies what it has before it relies on it."""
    pushed = registry.put(server.host, "pull/broken", "1", registry.image(BASE, TOP))
    name = f"{proxy.host}/pull/broken:1"
    client.distribution.pull(name)
    for blob in (pushed.layers[0], pushed.config):
        path = client.root / "blobs" / "sha256" / blob.digest[7:]
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        client.distribution.pull(name)
        assert path.read_bytes() == content
        assert proxy.count("GET", blob.digest) == 2
    short = client.root / "blobs" / "sha256" / pushed.layers[1].digest[7:]
    short.write_bytes(b"")
    client.distribution.pull(name)
    assert short.read_bytes() == pushed.layers[1].content


def test_layers_packed_in_other_ways_must_be_pulled(client: Client, server: RegistryServer):
    """Plain tar, gzip of several members, and Docker's media types."""
    plain = Blob(BASE, "application/vnd.oci.image.layer.v1.tar")
    members = Blob(
        gzip.compress(TOP[:5000]) + gzip.compress(TOP[5000:]), "application/vnd.docker.image.rootfs.diff.tar.gzip"
    )
    diff_ids = [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in (BASE, TOP)]
    registry.put(server.host, "pull/packed", "1", registry.assembled([plain, members], diff_ids))
    assert client.distribution.pull(f"{server.host}/pull/packed:1").is_new
    assert client.files(f"{server.host}/pull/packed:1")["etc/name"] == b"top"


def test_what_is_no_image_must_be_refused(client: Client, server: RegistryServer):
    """Registries hold charts, modules and signatures too."""
    config = Blob(b"{}", "application/vnd.cncf.helm.config.v1+json")
    chart = Blob(b"chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
    plain = {"schemaVersion": 2, "mediaType": registry.MANIFEST, "config": config.descriptor, "layers": []}
    manifest = Blob(json.dumps({**plain, "layers": [chart.descriptor]}).encode(), registry.MANIFEST)
    registry.put(server.host, "pull/chart", "1", registry.RemoteImage(manifest, config, (chart,)))
    with pytest.raises(Unsupported, match="is not an image of a container"):
        client.distribution.pull(f"{server.host}/pull/chart:1")


def test_a_layer_that_unpacks_to_something_else_must_be_refused(client: Client, server: RegistryServer):
    """Its DiffID stands in the configuration; nothing of the image stays."""
    packed = Blob(gzip.compress(TOP), registry.GZIP_LAYER)
    wrong = registry.assembled([packed], [f"sha256:{hashlib.sha256(BASE).hexdigest()}"])
    registry.put(server.host, "pull/wrong", "1", wrong)
    with pytest.raises(InvalidArgument, match="unpacks to content with DiffID"):
        client.distribution.pull(f"{server.host}/pull/wrong:1")
    assert client.leftovers() == []
    assert client.store.list()[0].references == ("host:latest",)


def test_the_built_in_image_must_not_be_asked_for(client: Client):
    """Its name belongs to this machine, and nothing newer is anywhere."""
    assert not client.distribution.pull("host").is_new
