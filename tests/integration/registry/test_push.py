"""Pushing to a real registry, with skopeo as the witness both ways."""

import gzip
import json
import subprocess
from pathlib import Path

import pytest

from runtime.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from schemas.engine.transfers import TransferStage
from tests.integration.image.tars import Entry, folder, layer
from tests.integration.registry.conftest import Client, Listener, remote_digest
from tests.support import registry
from tests.support.registry import RegistryServer
from tests.support.registry_proxy import RegistryProxy, times

TAR = layer(folder("./"), folder("etc"), Entry("etc/name", b"name"), Entry("big", bytes(range(256)) * 4000))


def _import(client: Client, name: str, tar: bytes = TAR) -> None:
    path = client.root.parent.parent / "rootfs.tar"
    path.write_bytes(tar)
    client.store.import_tar(path, name, ['CMD ["sh"]', "LABEL a=b"])


def _skopeo(*arguments: str) -> str:
    done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_pushed_must_be_what_skopeo_finds(client: Client, server: RegistryServer, tmp_path: Path):
    """Its manifest, configuration and every byte of its layers, packed by gzip."""
    name = f"{server.host}/push/witness:1"
    _import(client, name)
    pushed = client.distribution.push(name)
    seen = json.loads(_skopeo("inspect", "--tls-verify=false", f"docker://{name}"))
    assert seen["Digest"] == pushed.digest
    assert seen["Labels"] == {"a": "b"}
    copy = tmp_path / "copy"
    _skopeo("copy", "--src-tls-verify=false", f"docker://{name}", f"dir:{copy}")
    manifest = json.loads((copy / "manifest.json").read_bytes())
    (packed,) = manifest["layers"]
    assert packed["mediaType"] == registry.GZIP_LAYER
    assert gzip.decompress((copy / packed["digest"][7:]).read_bytes()) == TAR
    assert manifest["config"]["digest"] == client.store.resolve(name).id


def test_what_skopeo_pushes_must_be_pulled(client: Client, server: RegistryServer, tmp_path: Path):
    """From here by way of skopeo to another repository, in Docker's format, and back: the same files."""
    name = f"{server.host}/push/there:1"
    _import(client, name)
    client.distribution.push(name)
    other = f"{server.host}/push/back:2"
    _skopeo(
        "copy", "--src-tls-verify=false", "--dest-tls-verify=false", "--format=v2s2",
        f"docker://{name}", f"docker://{other}",
    )  # fmt: skip
    pulled = client.distribution.pull(other)
    assert pulled.image.config.command == ("sh",)
    assert client.files(other) == client.files(name)


def test_a_pulled_image_must_be_pushed_byte_for_byte(client: Client, server: RegistryServer):
    """Its digest is the one it came with."""
    original = registry.put(server.host, "push/original", "1", registry.image(TAR))
    name = f"{server.host}/push/original:1"
    client.distribution.pull(name)
    client.store.tag(name, f"{server.host}/push/copied:1")
    listener = Listener()
    assert client.distribution.push(f"{server.host}/push/copied:1", listener).digest == original.manifest.digest
    assert listener.ends == [TransferStage.MOUNTED]


def test_a_second_push_must_send_nothing(client: Client, server: RegistryServer, proxy: RegistryProxy):
    """The registry has it all, and nothing is packed again."""
    name = f"{proxy.host}/push/again:1"
    _import(client, name)
    first = client.distribution.push(name)
    blobs = sorted(path.name for path in (client.root / "blobs" / "sha256").iterdir())
    uploads = proxy.count("POST", "/uploads/")
    listener = Listener()
    assert client.distribution.push(name, listener) == first
    assert proxy.count("POST", "/uploads/") == uploads
    assert listener.ends == [TransferStage.PRESENT]
    assert sorted(path.name for path in (client.root / "blobs" / "sha256").iterdir()) == blobs
    client.store.collect()
    assert client.files(name)["etc/name"] == b"name"
    assert client.distribution.push(name) == first


def test_a_push_that_is_cut_must_be_tried_again(client: Client, server: RegistryServer, proxy: RegistryProxy):
    """A reset in the middle, an error of the server, and one that asks to wait."""
    name = f"{proxy.host}/push/cut:1"
    _import(client, name)
    proxy.faults.append(times(1, "/uploads/", lambda exchange: exchange.cut(), "PATCH"))
    proxy.faults.append(times(1, "/uploads/", lambda exchange: exchange.answer(503), "PATCH"))
    proxy.faults.append(times(1, "/uploads/", lambda exchange: exchange.answer(429, b"", {"Retry-After": "0"}), "POST"))
    proxy.faults.append(times(1, "/manifests/", lambda exchange: exchange.answer(502), "PUT"))
    pushed = client.distribution.push(name)
    assert remote_digest(name) == pushed.digest


def test_a_registry_that_takes_nothing_must_be_given_up(client: Client, proxy: RegistryProxy):
    """With what it said; a refusal is not repeated."""
    name = f"{proxy.host}/push/refused:1"
    _import(client, name)
    body = json.dumps({"errors": [{"code": "DENIED", "message": "quota\x1b[31m exceeded"}]}).encode()
    proxy.faults.append(times(9, "/uploads/", lambda exchange: exchange.answer(403, body), "POST"))
    with pytest.raises(Exception, match=r"denied: quota \[31m exceeded"):
        client.distribution.push(name)
    assert proxy.count("POST", "/uploads/") == 1


def test_what_cannot_be_pushed_must_be_refused_in_dockers_words(client: Client, server: RegistryServer):
    """No such name here; a digest is no name that can be given."""
    with pytest.raises(NotFound, match=f"An image does not exist locally with the tag: {server.host}/push/nope"):
        client.distribution.push(f"{server.host}/push/nope:1")
    with pytest.raises(InvalidArgument, match="a digest is no name"):
        client.distribution.push(f"{server.host}/push/nope@sha256:" + "0" * 64)


def test_a_damaged_blob_must_not_be_pushed(client: Client, server: RegistryServer):
    """It is named, and so are the ways to a whole one."""
    registry.put(server.host, "push/damaged", "1", registry.image(TAR))
    name = f"{server.host}/push/damaged:1"
    record = client.distribution.pull(name).image
    client.store.tag(name, f"{server.host}/push/elsewhere:1")
    (blob,) = registry.image(TAR).layers
    path = client.root / "blobs" / "sha256" / blob.digest[7:]
    path.write_bytes(b"x" + path.read_bytes()[1:])
    with RegistryServer(client.root.parent.parent / "empty") as empty:
        client.store.tag(record.id, f"{empty.host}/x:1")
        with pytest.raises(FailedPrecondition, match="damaged or gone"):
            client.distribution.push(f"{empty.host}/x:1")
        assert not path.exists()
        client.distribution.pull(name)
        client.distribution.push(f"{empty.host}/x:1")


def test_nobody_there_must_be_said(client: Client):
    """At once."""
    _import(client, "127.0.0.1:1/x:1")
    with pytest.raises(Unavailable, match=r"cannot reach `127\.0\.0\.1:1`: connection refused"):
        client.distribution.push("127.0.0.1:1/x:1")
