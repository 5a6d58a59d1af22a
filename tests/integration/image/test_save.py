"""Saving: one archive that Docker and OCI tools read, with the same blobs, and never a half one."""

import gzip
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from runtime.errors import FailedPrecondition, InvalidArgument, NotFound, Unsupported
from runtime.image.store import ImageStore
from runtime.paths import Paths
from schemas.engine.records import ImageRecord
from tests.integration.image.tars import Entry, digest, docker_archive, folder, layer, oci_archive, symlink

BASE = layer(folder("./"), folder("etc"), Entry("etc/motd", b"hello", mode=0o640, uid=5, gid=6), symlink("link", "etc"))
TOP = layer(folder("etc"), Entry("etc/.wh.motd"), Entry("etc/new", b"new" * 1000, xattrs={"user.a": "b"}))


@pytest.fixture
def two_layers(store: ImageStore, tmp_path: Path) -> ImageRecord:
    """Return an image of two layers, one compressed, with two names."""
    packed = gzip.compress(TOP, mtime=0)
    archive = oci_archive(tmp_path / "in.tar", [BASE, TOP], {"io.containerd.image.name": "shop:1"}, [BASE, packed])
    (record,) = store.load(archive)
    store.tag("shop:1", "example.org:5000/shop:2")
    return store.resolve(record.id)


def _members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        files = [member for member in tar if member.isreg()]
        return {member.name: tar.extractfile(member).read() for member in files}  # type: ignore[union-attr]


def test_an_archive_must_be_what_docker_writes(store: ImageStore, tmp_path: Path, two_layers: ImageRecord):
    """`manifest.json`, `index.json` with both annotations, `repositories`, and each blob under its digest."""
    store.save(["shop:1", "example.org:5000/shop:2", two_layers.id], tmp_path / "out.tar")
    members = _members(tmp_path / "out.tar")
    packed = gzip.compress(TOP, mtime=0)
    (entry,) = json.loads(members["manifest.json"])
    assert entry["RepoTags"] == ["shop:1", "example.org:5000/shop:2"]
    assert entry["Layers"] == [f"blobs/sha256/{digest(content)[7:]}" for content in (BASE, packed)]
    assert digest(members[entry["Config"]]) == two_layers.id
    assert entry["LayerSources"][digest(TOP)]["digest"] == digest(packed)
    index = json.loads(members["index.json"])
    assert [each["annotations"] for each in index["manifests"]] == [
        {"io.containerd.image.name": "docker.io/library/shop:1", "org.opencontainers.image.ref.name": "1"},
        {"io.containerd.image.name": "example.org:5000/shop:2", "org.opencontainers.image.ref.name": "2"},
    ]
    assert json.loads(members["repositories"]) == {
        "shop": {"1": digest(TOP)[7:]},
        "example.org:5000/shop": {"2": digest(TOP)[7:]},
    }
    blobs = {name: content for name, content in members.items() if name.startswith("blobs/")}
    assert len(blobs) == 4
    assert all(digest(content)[7:] == name.rpartition("/")[2] for name, content in blobs.items())


def test_what_was_saved_must_load_as_the_same_image(
    store: ImageStore, tmp_path: Path, two_layers: ImageRecord, paths: Paths
):
    """Same id, same names, same manifest, same blobs; saving it again gives the same bytes."""
    before = sorted(path.name for path in (paths.images / "blobs" / "sha256").iterdir())
    store.save(["shop:1", "example.org:5000/shop:2"], tmp_path / "one.tar")
    store.remove(two_layers.id, force=True)
    (again,) = store.load(tmp_path / "one.tar")
    assert (again.id, again.references) == (two_layers.id, two_layers.references)
    assert sorted(path.name for path in (paths.images / "blobs" / "sha256").iterdir()) == before
    store.save(["shop:1", "example.org:5000/shop:2"], tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    store.save(["shop:1"], tmp_path / "packed", gzipped=True)
    store.save(["shop:1"], tmp_path / "plain")
    assert gzip.decompress((tmp_path / "packed").read_bytes()) == (tmp_path / "plain").read_bytes()


def test_a_repository_without_a_tag_must_mean_all_of_its_tags(store: ImageStore, tmp_path: Path):
    """As `docker save repository` does, whether there is a `latest` or not."""
    store.load(docker_archive(tmp_path / "a.tar", [BASE], ["shop:1", "other:1"]))
    store.load(docker_archive(tmp_path / "b.tar", [BASE, TOP], ["shop:2"]))
    store.save(["shop"], tmp_path / "out.tar")
    saved = json.loads(_members(tmp_path / "out.tar")["manifest.json"])
    assert sorted(name for entry in saved for name in entry["RepoTags"]) == ["shop:1", "shop:2"]
    store.save([store.resolve("shop:2").id], tmp_path / "id.tar")
    members = _members(tmp_path / "id.tar")
    assert json.loads(members["manifest.json"])[0]["RepoTags"] is None
    assert "repositories" not in members


def test_an_archive_must_go_into_a_pipe(store: ImageStore, tmp_path: Path, two_layers: ImageRecord):
    """`image save shop | …`, and a FIFO by its name."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", str(fifo)], stdout=subprocess.PIPE) as reader:
        store.save(["shop:1"], fifo)
        content = reader.communicate(timeout=10)[0]
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert "index.json" in tar.getnames()


@pytest.mark.parametrize(
    ("texts", "target", "kind", "message"),
    [
        (["nosuch"], "out.tar", NotFound, "no such image"),
        (["shop:1", "nosuch"], "out.tar", NotFound, "no such image"),
        (["shop:1"], "missing/out.tar", InvalidArgument, "missing` does not exist"),
        (["shop:1"], ".", InvalidArgument, "is a directory"),
        (["host"], "out.tar", Unsupported, "built-in"),
    ],
)
def test_what_cannot_be_saved_must_leave_no_file(
    store: ImageStore, tmp_path: Path, two_layers: ImageRecord, texts: list[str], target: str, kind: type, message: str
):
    """And a file that is there stays as it is."""
    (tmp_path / "out.tar").write_text("before")
    there = sorted(tmp_path.iterdir())
    with pytest.raises(kind, match=message):
        store.save(texts, tmp_path / target)
    assert sorted(tmp_path.iterdir()) == there
    assert (tmp_path / "out.tar").read_text() == "before"


@pytest.mark.parametrize("which", ["manifest", "config", "layer", "gone", "short"])
def test_a_damaged_blob_must_be_found_and_mended_by_loading_again(
    store: ImageStore, tmp_path: Path, two_layers: ImageRecord, paths: Paths, which: str
):
    """The message names it and says what to do, no archive is left, and doing it helps."""
    store.save(["shop:1"], tmp_path / "good.tar")
    blobs = paths.images / "blobs" / "sha256"
    layer_digest = digest(BASE)
    manifest = next(path for path in blobs.iterdir() if b'"layers"' in path.read_bytes()[:4000])
    victim = {"manifest": manifest, "config": blobs / two_layers.id[7:]}.get(which, blobs / layer_digest[7:])
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    if which == "gone":
        victim.unlink()
    else:
        victim.write_bytes(content[:-1] if which == "short" else content)
    with pytest.raises(FailedPrecondition, match=f"{victim.name}` is damaged") as caught:
        store.save(["shop:1"], tmp_path / "out.tar")
    assert "again" in caught.value.hint
    assert not (tmp_path / "out.tar").exists()
    store.load(tmp_path / "good.tar")
    store.save(["shop:1"], tmp_path / "out.tar")
    assert (tmp_path / "out.tar").read_bytes() == (tmp_path / "good.tar").read_bytes()


def test_images_must_go_through_skopeo_and_umoci_and_back(store: ImageStore, tmp_path: Path, two_layers: ImageRecord):
    """Both take what is saved; what skopeo writes, in Docker's form and in OCI's, loads with the same id."""
    store.save(["shop:1"], tmp_path / "saved.tar")
    policy = ["skopeo", "--insecure-policy", "copy", "-q"]
    _run(*policy, f"oci-archive:{tmp_path}/saved.tar:1", f"oci:{tmp_path}/layout:one")
    _run(*policy, f"docker-archive:{tmp_path}/saved.tar:shop:1", f"oci:{tmp_path}/layout:two")
    _run(*policy, f"oci:{tmp_path}/layout:one", f"oci-archive:{tmp_path}/skopeo-oci.tar:back:oci")
    _run(*policy, f"oci:{tmp_path}/layout:one", f"docker-archive:{tmp_path}/skopeo-docker.tar:back:docker")
    for name in ("one", "two"):
        _run("umoci", "unpack", "--image", f"{tmp_path}/layout:{name}", str(tmp_path / name))
        etc = tmp_path / name / "rootfs" / "etc"
        assert [path.name for path in etc.iterdir()] == ["new"]
        assert (etc / "new").read_bytes() == b"new" * 1000
        assert os.getxattr(etc / "new", "user.a") == b"b"
    (tmp_path / "one" / "rootfs" / "etc" / "made").write_text("by umoci")
    (tmp_path / "one" / "rootfs" / "link").unlink()
    _run("umoci", "repack", "--image", f"{tmp_path}/layout:changed", str(tmp_path / "one"))
    _run(*policy, f"oci:{tmp_path}/layout:changed", f"oci-archive:{tmp_path}/umoci.tar:back:umoci")
    store.remove(two_layers.id, force=True)
    (by_oci,) = store.load(tmp_path / "skopeo-oci.tar")
    (by_docker,) = store.load(tmp_path / "skopeo-docker.tar")
    assert by_oci.id == by_docker.id == two_layers.id
    assert store.resolve("back:oci").references == ("back:docker", "back:oci")
    (changed,) = store.load(tmp_path / "umoci.tar")
    assert len(changed.layers) == 3
    top = Path(store.lower_directories(changed)[0])
    assert (top / "etc" / "made").read_text() == "by umoci"
    assert (top / "link").lstat().st_rdev == 0


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
