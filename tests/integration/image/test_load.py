"""`image load` takes what docker, podman, skopeo and OCI tools save, and nothing that only looks like it."""

import gzip
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from runtime.errors import EngineError, InvalidArgument, NotFound, Unsupported
from runtime.image.store import ImageStore
from runtime.paths import Paths
from runtime.syscall.mount import new_filesystem
from tests.integration.image.tars import (
    Entry,
    archive,
    configuration,
    digest,
    docker_archive,
    folder,
    layer,
    oci_archive,
    symlink,
)

BASE = layer(folder("./"), folder("tmp", 0o1777), Entry("tmp/base", b"1"))
UPPER = layer(Entry("tmp/upper", b"2"), Entry("tmp/.wh.base"))
CONTAINERD = "io.containerd.image.name"
REF = "org.opencontainers.image.ref.name"


def test_a_docker_archive_must_give_its_images(store: ImageStore, tmp_path: Path):
    """The id is the configuration's digest, so it is the one docker shows."""
    path = docker_archive(tmp_path / "a.tar", [BASE, UPPER], ["app:1", "ghcr.io/me/app:1"])
    (image,) = store.load(path)
    assert image.id == digest(configuration([BASE, UPPER]))
    assert image.references == ("app:1", "ghcr.io/me/app:1")
    assert store.resolve("app:1") == image
    upper, base = (Path(lower) for lower in store.lower_directories(image))
    assert (upper / "tmp/upper").read_bytes() == b"2"
    assert (base / "tmp/base").read_bytes() == b"1"


def test_a_folder_without_an_entry_must_keep_the_mode_of_the_layer_below(store: ImageStore, tmp_path: Path):
    """The upper layer only has tmp/upper: /tmp must still be 1777 in a container of it."""
    (image,) = store.load(docker_archive(tmp_path / "a.tar", [BASE, UPPER], ["app:1"]))
    assert stat.S_IMODE(Path(store.lower_directories(image)[0], "tmp").stat().st_mode) == 0o1777


def test_overlayfs_must_show_what_the_layers_say(store: ImageStore, tmp_path: Path):
    """Whiteouts hide, opaque folders hide everything below, folders merge: asked of the kernel itself."""
    base = layer(
        *(folder("./"), folder("etc"), Entry("etc/keep"), Entry("etc/gone"), folder("cache"), Entry("cache/old")),
        *(folder("anew"), Entry("anew/old"), folder("link"), Entry("link/old")),
    )
    upper = layer(
        *(folder("etc"), Entry("etc/.wh.gone"), Entry("etc/more"), folder("cache"), Entry("cache/.wh..wh..opq")),
        *(Entry("cache/new"), Entry(".wh.anew"), folder("anew"), Entry("anew/new"), symlink("link", "etc")),
    )
    (image,) = store.load(docker_archive(tmp_path / "a.tar", [base, upper], ["app"]))
    lower = store.lower_directories(image)
    merged = new_filesystem("overlay", [("lowerdir+", directory) for directory in lower])
    try:
        root = Path(f"/proc/self/fd/{merged}")
        seen = {name: sorted(child.name for child in (root / name).iterdir()) for name in ("etc", "cache", "anew")}
        assert seen == {"etc": ["keep", "more"], "cache": ["new"], "anew": ["new"]}
        assert (root / "link").is_symlink()
    finally:
        os.close(merged)


def test_a_layer_that_an_image_has_twice_must_count_where_it_is_topmost(store: ImageStore, tmp_path: Path):
    """Images have the empty layer several times, and one that undoes what came between; asked of the kernel itself."""
    base = layer(folder("./"), Entry("mine", b"1"), folder("both"), Entry("both/base"), Entry("both/later"))
    first = layer(folder("both"), Entry("both/.wh.later"), Entry("mine", b"2"))
    between = layer(folder("both"), Entry("both/later"), Entry("mine", b"3"), Entry("between"))
    empty = layer()
    layers = [base, empty, first, empty, between, first, empty]
    (image,) = store.load(docker_archive(tmp_path / "a.tar", layers, ["app"]))
    lower = store.lower_directories(image)
    merged = new_filesystem("overlay", [("lowerdir+", directory) for directory in lower])
    try:
        root = Path(f"/proc/self/fd/{merged}")
        assert sorted(child.name for child in root.iterdir()) == ["between", "both", "mine"]
        assert [child.name for child in (root / "both").iterdir()] == ["base"]
        assert (root / "mine").read_bytes() == b"2"
    finally:
        os.close(merged)


def test_one_layer_on_two_bases_must_look_right_on_both(store: ImageStore, tmp_path: Path):
    """The same upper layer, whose /tmp is the one of what is below it."""
    other = layer(folder("./"), folder("tmp", 0o700, uid=3))
    (first,) = store.load(docker_archive(tmp_path / "a.tar", [BASE, UPPER], ["a"]))
    (second,) = store.load(docker_archive(tmp_path / "b.tar", [other, UPPER], ["b"]))
    modes = [stat.S_IMODE(Path(store.lower_directories(image)[0], "tmp").stat().st_mode) for image in (first, second)]
    assert modes == [0o1777, 0o700]
    store.remove("a")
    assert Path(store.lower_directories(second)[0], "tmp/upper").exists()


def test_layers_linked_to_one_another_must_be_found(store: ImageStore, tmp_path: Path):
    """Old docker save writes equal layers once and links to them."""
    config = configuration([BASE, BASE])
    manifest = [{"Config": "c.json", "RepoTags": None, "Layers": ["a/layer.tar", "b/layer.tar"]}]
    path = archive(
        tmp_path / "a.tar",
        {"a/layer.tar": BASE, "c.json": config, "manifest.json": json.dumps(manifest).encode()},
        links={"b/layer.tar": "../a/layer.tar"},
    )
    (image,) = store.load(path)
    assert image.references == ()
    assert len(set(store.lower_directories(image))) == 1


@pytest.mark.parametrize(
    ("annotations", "references"),
    [
        ({CONTAINERD: "docker.io/library/app:1", REF: "1"}, ("app:1",)),
        ({REF: "ghcr.io/me/app:2"}, ("ghcr.io/me/app:2",)),
        ({REF: "app"}, ("app:latest",)),
        ({}, ()),
    ],
)
def test_an_oci_archive_must_be_named_by_its_annotations(
    store: ImageStore, tmp_path: Path, annotations: dict[str, str], references: tuple[str, ...]
):
    """containerd's holds the whole name, OCI's the whole name or a part."""
    (image,) = store.load(oci_archive(tmp_path / "a.tar", [BASE], annotations))
    assert image.references == references


def test_a_compressed_layer_must_be_kept_as_it_came(store: ImageStore, tmp_path: Path, paths: Paths):
    """Byte for byte, with its manifest, so that it can be pushed and saved again."""
    blob = gzip.compress(BASE)
    (image,) = store.load(oci_archive(tmp_path / "a.tar", [BASE], blobs=[blob]))
    assert image.layers == (digest(BASE),)
    assert (paths.images / "blobs/sha256" / digest(blob)[7:]).read_bytes() == blob


def test_a_whole_archive_may_be_compressed(store: ImageStore, tmp_path: Path, paths: Paths):
    """`docker save x | gzip`; nothing is left of the unpacked archive."""
    path = docker_archive(tmp_path / "a.tar", [BASE], ["app"])
    packed = tmp_path / "a.tar.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert [image.references for image in store.load(packed)] == [("app:latest",)]
    assert list((paths.images / "ingest").iterdir()) == []


def test_an_archive_on_a_pipe_must_do(store: ImageStore, tmp_path: Path):
    """`docker save x | pycompose image load -`."""
    path = docker_archive(tmp_path / "a.tar", [BASE], ["app"])
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        assert [image.references for image in store.load(cat.stdout.fileno())] == [("app:latest",)]


def test_loading_twice_must_change_nothing(store: ImageStore, tmp_path: Path, paths: Paths):
    """Everything is there by its digest."""
    path = oci_archive(tmp_path / "a.tar", [BASE, UPPER], {REF: "app"})
    first = store.load(path)
    blobs = sorted((paths.images / "blobs/sha256").iterdir())
    assert store.load(path) == first
    assert sorted((paths.images / "blobs/sha256").iterdir()) == blobs


def test_only_names_of_the_archive_must_be_told(store: ImageStore, tmp_path: Path):
    """`Loaded image: …` is what the archive brought, not what the image is called here as well."""
    path = docker_archive(tmp_path / "a.tar", [BASE], ["app:1"])
    store.load(path)
    store.tag("app:1", "mine:2")
    (loaded,) = store.load(path)
    assert loaded.references == ("app:1",)
    assert store.resolve("mine:2").references == ("app:1", "mine:2")


def test_of_several_platforms_this_machines_must_be_taken(store: ImageStore, tmp_path: Path):
    """An index within the index, as buildx writes; attestations and absent platforms are passed over."""
    machine = store.resolve("host").architecture
    config = configuration([BASE], architecture=machine)
    manifest = json.dumps({"config": _entry(config), "layers": [_entry(BASE)]}).encode()
    nested = json.dumps(
        {
            "manifests": [
                {**_entry(b"elsewhere"), "platform": {"os": "linux", "architecture": "riscv128"}},
                {**_entry(b"attestation"), "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
                {
                    **_entry(manifest),
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "platform": {"os": "linux", "architecture": machine},
                },
            ]
        }
    ).encode()
    index = {"manifests": [{**_entry(nested), "mediaType": "application/vnd.oci.image.index.v1+json"}]}
    path = archive(
        tmp_path / "a.tar",
        {
            "oci-layout": b"{}",
            "index.json": json.dumps(index).encode(),
            **{f"blobs/sha256/{digest(blob)[7:]}": blob for blob in (config, manifest, nested, BASE)},
        },
    )
    assert [image.id for image in store.load(path)] == [digest(config)]


def test_an_image_for_another_machine_must_be_refused(store: ImageStore, tmp_path: Path):
    """Before its layers are unpacked."""
    config = configuration([BASE], architecture="s390x")
    manifest = [{"Config": "c.json", "RepoTags": ["a"], "Layers": ["l.tar"]}]
    path = archive(
        tmp_path / "a.tar", {"c.json": config, "l.tar": BASE, "manifest.json": json.dumps(manifest).encode()}
    )
    with pytest.raises(Unsupported, match="linux/s390x"):
        store.load(path)


@pytest.mark.parametrize(
    "manifest",
    [
        [{"Config": "/etc/passwd", "Layers": ["l.tar"]}],
        [{"Config": "../../etc/passwd", "Layers": ["l.tar"]}],
        [{"Config": "c.json", "Layers": ["../l.tar"]}],
        [{"Config": "c.json", "Layers": ["link"]}],
        [{"Config": "c.json", "Layers": ["loop"]}],
        [{"Config": "c.json", "Layers": ["missing"]}],
        [{"Config": "c.json", "Layers": "l.tar"}],
        [{"Config": "c.json", "Layers": []}],
        [{"Config": "c.json", "Layers": ["l.tar", "l.tar"]}],
        [{"Config": "c.json", "Layers": ["l.tar"], "RepoTags": ["../x"]}],
        [{"Config": "c.json", "Layers": ["l.tar"], "RepoTags": ["Upper"]}],
        [{"Layers": ["l.tar"]}],
        [1],
        {},
        "x",
    ],
)
def test_a_hostile_docker_archive_must_leave_nothing(store: ImageStore, tmp_path: Path, manifest: object):
    """Names of files outside, links out, missing and doubled layers (CVE-2014-9356's class)."""
    path = archive(
        tmp_path / "a.tar",
        {"c.json": configuration([BASE]), "l.tar": BASE, "manifest.json": json.dumps(manifest).encode()},
        links={"link": "/etc/passwd", "loop": "loop"},
    )
    with pytest.raises((InvalidArgument, NotFound)):
        store.load(path)
    assert [image.references for image in store.list()] == [("host:latest",)]


def test_a_layer_that_is_another_than_promised_must_be_refused(store: ImageStore, tmp_path: Path, paths: Paths):
    """By digest, by size and by DiffID: each of the three is checked."""
    config = configuration([BASE])
    lying = {**_entry(BASE), "digest": digest(UPPER)}
    for entry, blob, message in (
        (_entry(BASE), UPPER, "larger|DiffID|digest"),
        ({**_entry(BASE), "size": 10}, BASE, "larger than the 10 bytes"),
        (lying, BASE, "has digest"),
        (_entry(UPPER), UPPER, "DiffID"),
    ):
        manifest = json.dumps({"config": _entry(config), "layers": [entry]}).encode()
        index = {"manifests": [{**_entry(manifest), "mediaType": "application/vnd.oci.image.manifest.v1+json"}]}
        path = archive(
            tmp_path / "a.tar",
            {
                "oci-layout": b"{}",
                "index.json": json.dumps(index).encode(),
                f"blobs/sha256/{digest(config)[7:]}": config,
                f"blobs/sha256/{digest(manifest)[7:]}": manifest,
                f"blobs/sha256/{str(entry['digest'])[7:]}": blob,
            },
        )
        with pytest.raises(InvalidArgument, match=message):
            store.load(path)
    assert list((paths.images / "ingest").iterdir()) == []


def test_a_changed_document_must_be_refused(store: ImageStore, tmp_path: Path):
    """A configuration under another one's digest would run another program."""
    config = configuration([BASE])
    manifest = json.dumps({"config": _entry(config), "layers": [_entry(BASE)]}).encode()
    index = {"manifests": [{**_entry(manifest), "mediaType": "application/vnd.oci.image.manifest.v1+json"}]}
    path = archive(
        tmp_path / "a.tar",
        {
            "oci-layout": b"{}",
            "index.json": json.dumps(index).encode(),
            f"blobs/sha256/{digest(manifest)[7:]}": manifest,
            f"blobs/sha256/{digest(config)[7:]}": config.replace(b"sh", b"su"),
            f"blobs/sha256/{digest(BASE)[7:]}": BASE,
        },
    )
    with pytest.raises(InvalidArgument, match="damaged"):
        store.load(path)


@pytest.mark.parametrize(
    "content", [b"", b"hello", gzip.compress(b"hello"), gzip.compress(b"x" * 5000)[:-9], b"\x1f\x8bxx", BASE]
)
def test_what_is_no_image_archive_must_be_refused(store: ImageStore, tmp_path: Path, content: bytes):
    """A root file system is pointed to `image import`."""
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    with pytest.raises(EngineError, match="archive") as caught:
        store.load(path)
    assert content != BASE or "image import" in caught.value.hint


def _entry(content: bytes) -> dict[str, object]:
    return {"digest": digest(content), "size": len(content)}
