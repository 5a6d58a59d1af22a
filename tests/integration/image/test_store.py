"""The image store as a user of `image import`, `load`, `ls` and `rm` meets it."""

import bz2
import gzip
import lzma
import os
import stat
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.errors import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from runtime.image.store import ImageStore
from runtime.paths import Paths
from runtime.state import containers, journal
from runtime.state.database import Database
from schemas.engine.identifiers import ContainerID, ImageID
from schemas.engine.records import ContainerRecord, ImageRecord
from schemas.engine.specs import ContainerSpec
from schemas.engine.status import ContainerStatus
from tests.integration.image.tars import Entry, digest, folder, layer

BASE = layer(folder("./"), folder("etc"), Entry("etc/motd", b"base"), folder("tmp", 0o1777))
UPPER = layer(folder("etc"), Entry("etc/motd", b"upper"))


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    """The tar of a small root file system."""
    path = tmp_path / "rootfs.tar"
    path.write_bytes(BASE)
    return path


def leftovers(paths: Paths) -> dict[str, list[str]]:
    """What the store holds on disk."""
    places = {"blobs": "blobs/sha256", "ingest": "ingest", "diff": "layers/diff", "chain": "layers/chain"}
    return {
        name: sorted(child.name for child in (paths.images / place).iterdir())
        if (paths.images / place).exists()
        else []
        for name, place in places.items()
    }


def container_of(database: Database, image: ImageRecord, status: ContainerStatus) -> ContainerRecord:
    """Record a container made from an image."""
    spec = ContainerSpec(name="web-1", image="base")
    record = ContainerRecord(ContainerID("c" * 64), spec, image.id, 1, ContainerStatus.CREATED)
    with database.transaction() as connection:
        containers.insert(connection, record)
        for step in {ContainerStatus.RUNNING: ["running"], ContainerStatus.EXITED: ["running", "exited"]}[status]:
            containers.change(connection, record.id, status=step)
    return record


def test_an_imported_tar_must_be_an_image_to_run(store: ImageStore, rootfs: Path):
    """Its files are the lower directory, the changes its configuration; it is found by name and id."""
    image = store.import_tar(rootfs, "base", ['CMD ["sh"]', "ENV A=1"])
    (lower,) = store.lower_directories(image)
    assert (image.references, image.config.command, image.config.environment) == (("base:latest",), ("sh",), ("A=1",))
    assert image.layers == (digest(BASE),)
    assert image.size_bytes == 4
    assert Path(lower, "etc/motd").read_text() == "base"
    assert stat.S_IMODE(Path(lower, "tmp").stat().st_mode) == 0o1777
    for name in ("base", "docker.io/library/base:latest", image.id, image.id[7:15]):
        assert store.resolve(name) == image


@pytest.mark.parametrize(("pack", "kept"), [(gzip.compress, True), (lzma.compress, False), (bytes, True)])
def test_a_compressed_tar_must_be_the_same_layer(store: ImageStore, tmp_path: Path, paths: Paths, pack, kept: bool):
    """The layer is named by its content; the blob is kept as it came where a registry would take it."""
    path = tmp_path / "rootfs"
    # Packed once: gzip writes the time down.
    packed = pack(BASE)
    path.write_bytes(packed)
    image = store.import_tar(path, "base")
    assert image.layers == (digest(BASE),)
    assert digest(packed if kept else BASE)[7:] in leftovers(paths)["blobs"]


def test_importing_twice_must_keep_one_layer_and_move_the_name(store: ImageStore, rootfs: Path, paths: Paths):
    """The older image loses its name and stays, as with Docker."""
    first = store.import_tar(rootfs, "base")
    second = store.import_tar(rootfs, "base", ["ENV A=1"])
    assert store.resolve("base") == second
    assert store.resolve(first.id).references == ()
    assert len(leftovers(paths)["diff"]) == 1


def test_an_archive_on_a_pipe_must_do(store: ImageStore):
    """`tar -c . | pycompose image import -`: no seeking, any piece size."""
    reading, writing = os.pipe()
    feeder = threading.Thread(target=lambda: (os.write(writing, BASE), os.close(writing)))
    feeder.start()
    image = store.import_tar(reading, "base")
    feeder.join()
    os.close(reading)
    assert image.layers == (digest(BASE),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a tar"),
        (b"hello", "not a tar"),
        (gzip.compress(BASE)[:-20], "damaged"),
        (gzip.compress(BASE)[:40] + bytes(100), "damaged"),
        (bz2.compress(BASE)[:20] + b"x" * 100, "damaged"),
        (lzma.compress(BASE)[:40] + b"x" * 100, "damaged"),
        (gzip.compress(BASE)[:-8] + b"12345678", "damaged"),
        (layer(Entry("../x")), "out of the image"),
    ],
)
def test_a_bad_archive_must_leave_nothing(
    store: ImageStore, tmp_path: Path, paths: Paths, content: bytes, message: str
):
    """No image, no blob, no folder."""
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(InvalidArgument, match=message):
        store.import_tar(path, "base")
    assert leftovers(paths) == {"blobs": [], "ingest": [], "diff": [], "chain": []}
    assert [image.references for image in store.list()] == [("host:latest",)]


def test_a_full_disk_must_be_reported_and_leave_nothing(store: ImageStore, tmp_path: Path, paths: Paths):
    """Both while unpacking and while writing the blob."""
    path = tmp_path / "rootfs.tar"
    path.write_bytes(layer(Entry("big", bytes(range(256)) * 4096)))
    paths.images.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200k", "none", str(paths.images)], check=True, timeout=10)
    try:
        with pytest.raises(ResourceExhausted, match="no space"):
            store.import_tar(path, "base")
        assert leftovers(paths)["ingest"] == leftovers(paths)["blobs"] == []
    finally:
        subprocess.run(["umount", str(paths.images)], check=True, timeout=10)


def test_a_missing_archive_must_be_named(store: ImageStore, tmp_path: Path):
    """Not a traceback."""
    with pytest.raises(NotFound, match=r"nowhere\.tar"):
        store.import_tar(tmp_path / "nowhere.tar", "base")
    with pytest.raises(NotFound, match="directory"):
        store.load(tmp_path)


def test_an_unknown_image_must_say_how_to_get_one(store: ImageStore):
    """There are no registries yet, so the hint names what there is."""
    with pytest.raises(NotFound, match="no such image: `redis:7`") as caught:
        store.resolve("redis:7")
    assert "image import" in caught.value.hint


def test_the_beginning_of_an_id_must_be_unambiguous(store: ImageStore, rootfs: Path):
    """Of seventeen ids two at least begin with the same digit."""
    images = [store.import_tar(rootfs, "", [f"ENV A={number}"]) for number in range(17)]
    digits = [image.id[7] for image in images]
    shared = max(digits, key=digits.count)
    with pytest.raises(InvalidArgument, match="several images"):
        store.resolve(f"sha256:{shared}")


def test_a_tag_must_be_another_name_for_the_same(store: ImageStore, rootfs: Path):
    """`image tag` makes no image."""
    image = store.import_tar(rootfs, "base")
    assert store.tag("base", "ghcr.io/me/base:1").id == image.id
    assert store.resolve(image.id).references == ("base:latest", "ghcr.io/me/base:1")


@pytest.mark.parametrize("reference", ["host", "docker.io/library/host:latest", "a@sha256:" + "0" * 64])
def test_a_name_that_cannot_be_given_must_be_refused(store: ImageStore, rootfs: Path, reference: str):
    """`host` is built in; a digest belongs to content."""
    with pytest.raises(InvalidArgument):
        store.import_tar(rootfs, reference)


def test_removing_one_of_two_names_must_only_untag(store: ImageStore, rootfs: Path):
    """As docker rmi does, with its lines."""
    image = store.import_tar(rootfs, "base")
    store.tag("base", "other:1")
    assert store.remove("base") == ["Untagged: base:latest"]
    assert store.remove("other:1") == ["Untagged: other:1", f"Deleted: {image.id}", f"Deleted: {digest(BASE)}"]


def test_removing_the_last_name_must_free_everything(store: ImageStore, rootfs: Path, paths: Paths):
    """Blobs and unpacked files, and the leftovers of killed commands."""
    store.import_tar(rootfs, "base")
    (paths.images / "ingest" / "blob-dead").write_bytes(b"half a blob")
    (paths.images / "ingest" / "tree-dead" / "fs").mkdir(parents=True)
    store.remove("base")
    assert leftovers(paths) == {"blobs": [], "ingest": [], "diff": [], "chain": []}


def test_a_shared_layer_must_live_as_long_as_one_image_has_it(store: ImageStore, rootfs: Path, paths: Paths):
    """Two images of one root file system: removing one leaves the other able to run."""
    store.import_tar(rootfs, "one", ["ENV A=1"])
    two = store.import_tar(rootfs, "two", ["ENV A=2"])
    lines = store.remove("one")
    assert [line for line in lines if digest(BASE) in line] == []
    assert Path(store.lower_directories(two)[0], "etc/motd").read_text() == "base"
    assert len(leftovers(paths)["blobs"]) == 3


def test_an_image_a_container_uses_must_not_be_removed(store: ImageStore, rootfs: Path, database: Database):
    """Neither by its only name nor by its id; the container is named."""
    image = store.import_tar(rootfs, "base")
    container_of(database, image, ContainerStatus.RUNNING)
    with pytest.raises(FailedPrecondition, match=r"must force.*cccccccccccc"):
        store.remove("base")
    for force in (False, True):
        with pytest.raises(FailedPrecondition, match="used by running container cccccccccccc"):
            store.remove(image.id, force=force)
    assert store.resolve("base") == image


def test_force_must_untag_what_a_container_uses(store: ImageStore, rootfs: Path, database: Database):
    """The name goes; the image stays for its container."""
    image = store.import_tar(rootfs, "base")
    container_of(database, image, ContainerStatus.RUNNING)
    assert store.remove("base", force=True) == ["Untagged: base:latest"]
    assert store.resolve(image.id) == replace(image, references=())


def test_a_stopped_container_must_start_after_its_image_was_forced_away(
    store: ImageStore, rootfs: Path, database: Database, paths: Paths
):
    """Its bundle names the layers, and so they stay until it is removed."""
    image = store.import_tar(rootfs, "base")
    record = container_of(database, image, ContainerStatus.EXITED)
    (lower,) = store.lower_directories(image)
    paths.container(record.id).mkdir(parents=True)
    paths.bundle(record.id).write_text(f'{{"rootfs":{{"lower":["{lower}"]}}}}')
    with pytest.raises(FailedPrecondition, match="stopped container"):
        store.remove(image.id)
    assert f"Deleted: {image.id}" in store.remove(image.id, force=True)
    assert Path(lower, "etc/motd").exists()
    with database.transaction() as connection:
        containers.remove(connection, record.id)
    store.remove(store.import_tar(rootfs, "again").id)
    assert not Path(lower).exists()


def test_an_image_with_several_names_must_not_go_by_id_alone(store: ImageStore, rootfs: Path):
    """Docker asks for force there."""
    image = store.import_tar(rootfs, "base")
    store.tag("base", "other")
    with pytest.raises(FailedPrecondition, match="multiple repositories"):
        store.remove(image.id[7:19])
    assert store.remove(image.id, force=True)[:2] == ["Untagged: base:latest", "Untagged: other:latest"]


def test_the_built_in_image_must_stay(store: ImageStore):
    """It is not in the store."""
    with pytest.raises(FailedPrecondition, match="built in"):
        store.remove("host", force=True)


def test_a_lease_must_keep_layers_while_a_container_is_made(store: ImageStore, rootfs: Path):
    """Between resolving an image and recording its container another command may remove the image."""
    image = store.import_tar(rootfs, "base")
    (lower,) = store.lower_directories(image)
    with store.lease():
        store.remove("base")
        assert Path(lower, "etc/motd").exists()
    store.import_tar(rootfs, "base")
    store.remove("base")
    assert not Path(lower).exists()


def test_what_was_done_must_be_in_the_journal(store: ImageStore, rootfs: Path, database: Database):
    """`events` shows images too."""
    store.import_tar(rootfs, "base")
    store.tag("base", "other")
    store.remove("other")
    events = journal.events(database.read())
    assert [(event.type, event.action, event.name) for event in events] == [
        ("image", "import", "base:latest"),
        ("image", "tag", "other:latest"),
        ("image", "untag", "other:latest"),
    ]


def test_a_damaged_layer_must_be_reported(store: ImageStore, rootfs: Path):
    """Somebody deleted files of the state directory."""
    image = replace(store.import_tar(rootfs, "base"), layers=("sha256:" + "0" * 64,))
    with pytest.raises(NotFound, match="not unpacked"):
        store.lower_directories(image)
    with pytest.raises(InvalidArgument, match="no layers"):
        store.lower_directories(replace(image, layers=(), id=ImageID("sha256:" + "1" * 64)))


def test_many_may_import_the_same_at_once(store: ImageStore, paths: Paths, database: Database):
    """Everybody succeeds, and there is one layer."""
    content = layer(*(Entry(f"f{number}", bytes(1000)) for number in range(200)))
    failures: list[BaseException] = []

    def work() -> None:
        path = paths.state / f"{threading.get_ident()}.tar"
        path.write_bytes(content)
        try:
            store.import_tar(path, f"image:{threading.get_ident()}")
        except BaseException as error:  # noqa: BLE001 - the assertion is below
            failures.append(error)

    paths.state.mkdir(parents=True, exist_ok=True)
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert leftovers(paths)["diff"] == [digest(content)[7:]]
    assert leftovers(paths)["ingest"] == []
    assert len(store.list()) == 7
