"""A new volume begins with what the image has at its place; any other keeps what it has."""

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from runtime.errors import FailedPrecondition, InvalidArgument
from runtime.volume.store import VolumeStore
from schemas.engine.bundle import BundleMount
from schemas.engine.records import VolumeRecord
from schemas.engine.specs import VolumeSpec


@pytest.fixture
def volume(store: VolumeStore) -> VolumeRecord:
    """A new volume."""
    return store.create(VolumeSpec("data"))


@pytest.fixture
def layers(tmp_path: Path) -> tuple[Path, Path]:
    """An image of two layers: (upper, base), with a folder /srv/www in both."""
    upper, base = tmp_path / "upper", tmp_path / "base"
    (base / "srv/www/sub").mkdir(parents=True)
    (base / "srv/www/index").write_text("base")
    (base / "srv/www/gone").write_text("base")
    (base / "srv/www/sub/deep").write_text("base")
    (base / "srv/www").chmod(0o2750)
    os.chown(base / "srv/www", 33, 34)
    os.utime(base / "srv/www", (5, 6))
    (upper / "srv/www").mkdir(parents=True)
    (upper / "srv/www/new").write_text("upper")
    os.mknod(upper / "srv/www/gone", stat.S_IFCHR, 0)
    (upper / "srv/www").chmod(0o2750)
    os.chown(upper / "srv/www", 33, 34)
    os.utime(upper / "srv/www", (5, 6))
    return upper, base


def content(record: VolumeRecord) -> list[str]:
    """Return every path in a volume."""
    root = Path(record.mountpoint)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_the_layers_must_be_seen_as_the_container_sees_them(store: VolumeStore, volume: VolumeRecord, layers):
    """Merged, without what an upper layer hides; the folder's owner, mode and time too."""
    store.copy_up(volume, [str(layer) for layer in layers], "/srv/www")
    root = Path(volume.mountpoint)
    status = root.stat()
    assert content(volume) == ["index", "new", "sub", "sub/deep"]
    assert (root / "sub/deep").read_text() == "base"
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), status.st_mtime) == (33, 34, 0o2750, 6)


def test_a_single_layer_must_do(store: VolumeStore, volume: VolumeRecord, layers):
    """An image of one layer, as `image import` makes."""
    store.copy_up(volume, [str(layers[1])], "/srv/www")
    assert content(volume) == ["gone", "index", "sub", "sub/deep"]


def test_many_layers_must_do(store: VolumeStore, volume: VolumeRecord, tmp_path: Path):
    """More than fit into one mount option."""
    lower = []
    for number in range(100):
        (tmp_path / f"layer{number}" / "d").mkdir(parents=True)
        (tmp_path / f"layer{number}" / "d" / f"f{number}").touch()
        lower.append(str(tmp_path / f"layer{number}"))
    store.copy_up(volume, lower, "/d")
    assert len(content(volume)) == 100


def test_everything_a_file_has_must_be_copied(store: VolumeStore, volume: VolumeRecord, tmp_path: Path):
    """Owner, setuid, times to the nanosecond, attributes, hard links, links, FIFOs, devices; sockets are left out."""
    image = tmp_path / "image"
    source = image / "d"
    source.mkdir(parents=True)
    (source / "su").write_bytes(b"\0" * 70_000)
    os.chown(source / "su", 1, 2)
    os.setxattr(source / "su", "user.mark", b"\xff")
    os.setxattr(source / "su", "trusted.overlay.origin", b"x")
    (source / "su").chmod(0o4711)
    os.utime(source / "su", ns=(1_000_000_001, 2_000_000_003))
    (source / "sub").mkdir()
    os.link(source / "su", source / "sub/same")
    (source / "link").symlink_to("/etc/passwd")
    os.chown(source / "link", 7, 8, follow_symlinks=False)
    os.mkfifo(source / "fifo")
    os.mknod(source / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as unix:
        here = os.open(".", os.O_RDONLY)
        os.chdir(source)
        unix.bind("socket")
        os.fchdir(here)
        os.close(here)
    store.copy_up(volume, [str(image)], "/d")
    made = Path(volume.mountpoint)
    assert content(volume) == ["fifo", "link", "null", "su", "sub", "sub/same"]
    status = (made / "su").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), status.st_size) == (1, 2, 0o4711, 70_000)
    assert (status.st_mtime_ns, status.st_ino) == (2_000_000_003, (made / "sub/same").stat().st_ino)
    assert os.listxattr(made / "su") == ["user.mark"]
    assert str((made / "link").readlink()) == "/etc/passwd"
    assert (made / "link").lstat().st_uid == 7
    assert (made / "null").stat().st_rdev == os.makedev(1, 3)


def test_a_volume_with_content_must_be_left_alone(store: VolumeStore, volume: VolumeRecord, layers):
    """Also its owner and mode."""
    root = Path(volume.mountpoint)
    (root / "mine").touch()
    root.chmod(0o700)
    store.copy_up(volume, [str(layer) for layer in layers], "/srv/www")
    assert content(volume) == ["mine"]
    assert (stat.S_IMODE(root.stat().st_mode), root.stat().st_uid) == (0o700, 0)


def test_a_place_the_image_has_not_must_leave_it_empty(store: VolumeStore, volume: VolumeRecord, layers):
    """The launcher makes the mount point."""
    store.copy_up(volume, [str(layer) for layer in layers], "/var/lib/nothing")
    assert content(volume) == []
    assert not (Path(volume.mountpoint).parent / "filling").exists()


def test_a_file_in_the_place_must_be_refused(store: VolumeStore, volume: VolumeRecord, layers):
    """A volume is a folder."""
    with pytest.raises(InvalidArgument, match="`/srv/www/index`"):
        store.copy_up(volume, [str(layer) for layer in layers], "/srv/www/index")


@pytest.mark.parametrize("link", ["/srv/www", "../../../../../../srv/www", "srv/www"])
def test_a_link_in_the_path_must_be_followed_inside_the_image(
    store: VolumeStore, volume: VolumeRecord, layers, link: str
):
    """An image's link to /etc is to its own; the host's is never read."""
    (layers[0] / "data").symlink_to(link)
    (layers[0] / "escape").symlink_to("/etc")
    lower = [str(layer) for layer in layers]
    store.copy_up(volume, lower, "/escape")
    assert content(volume) == []
    store.copy_up(volume, lower, "/data")
    assert content(volume) == ["index", "new", "sub", "sub/deep"]


def test_links_in_the_content_must_not_be_followed(store: VolumeStore, volume: VolumeRecord, tmp_path: Path):
    """A link to a folder of the host stays a link."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").touch()
    (tmp_path / "image/d").mkdir(parents=True)
    (tmp_path / "image/d/link").symlink_to(tmp_path / "outside")
    store.copy_up(volume, [str(tmp_path / "image")], "/d")
    assert [path.name for path in Path(volume.mountpoint).iterdir()] == ["link"]
    assert (Path(volume.mountpoint) / "link").is_symlink()


def test_the_built_in_image_must_be_read_through_its_binds(store: VolumeStore, volume: VolumeRecord, tmp_path: Path):
    """What is below /usr comes from the host's, the rest from the base folder."""
    (tmp_path / "base/usr").mkdir(parents=True)
    (tmp_path / "host/share/doc").mkdir(parents=True)
    (tmp_path / "host/share/doc/readme").touch()
    mounts = (BundleMount(type="bind", target="/usr", source=str(tmp_path / "host"), read_only=True),)
    store.copy_up(volume, [str(tmp_path / "base")], "/usr/share", mounts)
    assert content(volume) == ["doc", "doc/readme"]


def test_a_copy_that_was_cut_short_must_be_finished(store: VolumeStore, volume: VolumeRecord, layers):
    """After a kill the volume is not empty any more, and still not what the image has."""
    root = Path(volume.mountpoint)
    (root / "index").write_text("ha")
    (root / "sub").mkdir()
    (root.parent / "filling").touch()
    store.copy_up(volume, [str(layer) for layer in layers], "/srv/www")
    assert content(volume) == ["index", "new", "sub", "sub/deep"]
    assert (root / "index").read_text() == "base"
    assert not (root.parent / "filling").exists()


def test_two_containers_must_fill_it_once(store: VolumeStore, volume: VolumeRecord, layers):
    """They start at the same time; the second one finds it filled."""
    failures: list[BaseException] = []

    def fill() -> None:
        try:
            store.copy_up(volume, [str(layer) for layer in layers], "/srv/www")
        except BaseException as error:  # noqa: BLE001 - the assertion is below
            failures.append(error)

    threads = [threading.Thread(target=fill) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert content(volume) == ["index", "new", "sub", "sub/deep"]


def test_a_folder_of_the_host_must_be_filled_too(store: VolumeStore, tmp_path: Path, layers):
    """A volume with a device is a volume: Docker fills it when it is empty."""
    device = tmp_path / "mine"
    device.mkdir()
    options = {"type": "none", "o": "bind", "device": str(device)}
    record = store.create(VolumeSpec("bound", driver_options=options))
    store.copy_up(record, [str(layer) for layer in layers], "/srv/www")
    assert content(record) == ["index", "new", "sub", "sub/deep"]
    device.rename(tmp_path / "elsewhere")
    with pytest.raises(FailedPrecondition, match="mine"):
        store.copy_up(record, [str(layer) for layer in layers], "/srv/www")


def test_nothing_must_be_mounted_on_the_host(store: VolumeStore, volume: VolumeRecord, layers):
    """The overlay that is read through is attached nowhere."""
    before = Path("/proc/self/mountinfo").read_text()
    store.copy_up(volume, [str(layer) for layer in layers], "/srv/www")
    assert Path("/proc/self/mountinfo").read_text() == before
