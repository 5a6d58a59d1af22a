"""Volumes: made once, kept as long as somebody uses them, gone with all their content."""

import stat
import threading
from pathlib import Path

import pytest

from runtime.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from runtime.paths import Paths
from runtime.state import containers, journal, volumes
from runtime.state.database import Database
from runtime.volume.store import VolumeStore
from schemas.engine.identifiers import ContainerID, ImageID, new_id
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ContainerSpec, VolumeSpec
from schemas.engine.status import ContainerStatus


@pytest.fixture
def user(database: Database) -> ContainerRecord:
    """A container that may use volumes."""
    spec = ContainerSpec(name="web-1", image="x")
    record = ContainerRecord(ContainerID("c" * 64), spec, ImageID("sha256:0"), 1, ContainerStatus.CREATED)
    with database.transaction() as connection:
        containers.insert(connection, record)
    return record


def test_a_volume_must_be_an_empty_folder(store: VolumeStore, paths: Paths):
    """Where Docker has it: <root>/<name>/_data, 0755 of root."""
    record = store.create(VolumeSpec("shop_data", project="shop"))
    path = store.mountpoint(record)
    assert path == paths.volumes / "shop_data/_data"
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid, list(path.iterdir())) == (0o755, 0, [])
    assert store.find("shop_data") == record


def test_making_it_again_must_change_nothing(store: VolumeStore):
    """An equal spec gives the same volume with its content; another one is refused."""
    spec = VolumeSpec("data", project="shop", labels={"a": "b"})
    record = store.create(spec)
    Path(record.mountpoint, "file").write_text("x")
    assert store.create(spec) == record
    assert Path(record.mountpoint, "file").read_text() == "x"
    with pytest.raises(AlreadyExists, match="`data`"):
        store.create(VolumeSpec("data", project="shop"))


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "-x", "a b", "ü", "a\n", "x" * 256])
def test_a_name_must_be_one(store: VolumeStore, paths: Paths, name: str):
    """A name becomes a path."""
    with pytest.raises(InvalidArgument, match="not a volume name"):
        store.create(VolumeSpec(name))
    assert not paths.volumes.exists()


def test_an_anonymous_volume_must_have_a_name_of_its_own(store: VolumeStore):
    """64 hexadecimal digits, and marked as nobody's choice."""
    record = store.create(VolumeSpec(new_id(), project="shop"), anonymous=True)
    assert record.anonymous
    assert store.find(record.name) == record


def test_removing_must_take_the_content_along(store: VolumeStore, paths: Paths):
    """Nothing of it stays on disk, and the name is free."""
    record = store.create(VolumeSpec("data"))
    Path(record.mountpoint, "sub").mkdir()
    Path(record.mountpoint, "sub/file").write_text("old")
    store.remove("data")
    with pytest.raises(NotFound, match="no such volume: `data`"):
        store.find("data")
    with pytest.raises(NotFound):
        store.remove("data")
    assert list(paths.volumes.iterdir()) == []
    assert list(Path(store.create(VolumeSpec("data")).mountpoint).iterdir()) == []


def test_a_used_volume_must_not_be_removed(store: VolumeStore, database: Database, user: ContainerRecord):
    """Not while a container mounts it, running or not."""
    record = store.create(VolumeSpec("data"))
    with database.transaction() as connection:
        volumes.use(connection, user.id, "data", "/a")
        volumes.use(connection, user.id, "data", "/b", owned=True)
    with pytest.raises(FailedPrecondition, match="in use by container cccccccccccc"):
        store.remove("data")
    assert Path(record.mountpoint).is_dir()
    assert containers.find(database.read(), user.id).anonymous_volumes == (("/b", "data"),)
    with database.transaction() as connection:
        containers.remove(connection, user.id)
    store.remove("data")


def test_using_a_volume_that_is_gone_must_be_refused(store: VolumeStore, database: Database, user: ContainerRecord):
    """It was removed between finding it and recording the container."""
    store.create(VolumeSpec("data"))
    store.remove("data")
    with pytest.raises(NotFound, match="`data`"), database.transaction() as connection:
        volumes.use(connection, user.id, "data", "/a")


def test_a_device_must_be_the_content_and_outlive_the_volume(store: VolumeStore, tmp_path: Path):
    """`type: none, o: bind, device: /path`: the folder is the user's."""
    device = tmp_path / "mine"
    device.mkdir()
    (device / "file").write_text("x")
    options = {"type": "none", "o": "bind", "device": str(device)}
    record = store.create(VolumeSpec("data", driver_options=options))
    assert store.mountpoint(record) == device
    store.remove("data")
    assert (device / "file").read_text() == "x"


def test_a_device_that_is_not_there_must_be_named(store: VolumeStore, tmp_path: Path):
    """Docker says so when it mounts; so do we."""
    options = {"type": "none", "o": "bind", "device": str(tmp_path / "absent")}
    record = store.create(VolumeSpec("data", driver_options=options))
    with pytest.raises(FailedPrecondition, match="absent"):
        store.mountpoint(record)


def test_what_a_killed_removal_left_must_not_come_back(store: VolumeStore, paths: Paths, database: Database):
    """Old content without a row is not the content of a new volume; a row without a folder gets one."""
    (paths.volumes / "data/_data").mkdir(parents=True)
    (paths.volumes / "data/_data/old").write_text("x")
    record = store.create(VolumeSpec("data"))
    assert list(Path(record.mountpoint).iterdir()) == []
    assert [path.name for path in paths.volumes.iterdir()] == ["data"]
    (paths.volumes / "data").rename(paths.volumes / ".gone-1")
    assert store.create(VolumeSpec("data")) == record
    assert store.mountpoint(record).is_dir()
    assert database.exists


def test_one_name_must_be_made_once_by_many(store: VolumeStore):
    """Threads of one command, or two commands."""
    records = []
    threads = [threading.Thread(target=lambda: records.append(store.create(VolumeSpec("data")))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({record.created_ns for record in records}) == 1
    assert len(records) == 8


def test_what_was_done_must_be_in_the_journal(store: VolumeStore, database: Database):
    """`events` shows volumes too."""
    store.create(VolumeSpec("data", project="shop"))
    store.remove("data")
    events = journal.events(database.read(), "shop")
    assert [(event.type, event.action, event.name) for event in events] == [
        ("volume", "create", "data"),
        ("volume", "destroy", "data"),
    ]
