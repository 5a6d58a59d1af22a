"""A layer is what a container changed: no more, no less, and the same bytes each time."""

import hashlib
import io
import os
import shutil
import stat
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.errors import FailedPrecondition, InvalidArgument
from runtime.image.layers import FILES, Layer, LayerStore, built_layer
from runtime.image.store import ImageStore
from runtime.image.streams import Hashed
from runtime.launch.overlay import new_overlay
from schemas.engine.bundle import Rootfs
from schemas.engine.identifiers import DiffID

CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
EPOCH = 1_600_000_000
Change = Callable[[Path], object]


class Stage:
    """A stack of layers, to which changes in a mounted overlay add one."""

    def __init__(self, store: ImageStore) -> None:
        self.blobs = store.blobs
        self.layers = LayerStore(store.blobs)
        self.stack: list[DiffID] = []

    def change(self, work: Change, *, clamp_s: int | None = None) -> Layer:
        """Have something changed, and add the layer."""
        with self.blobs.lease():
            scratch = self.blobs.scratch()
            for name in ("fs", "work", "nothing"):
                (scratch / name).mkdir(mode=0o755)
            lower = self.layers.stack(self.stack)
            rootfs = Rootfs(lower or (str(scratch / "nothing"),), str(scratch / FILES), str(scratch / "work"))
            descriptor = new_overlay(rootfs)
            work(Path(f"/proc/self/fd/{descriptor}"))
            os.close(descriptor)
            layer = self.layers.adopt(scratch, lower, clamp_s=clamp_s)
        self.stack.append(layer.diff_id)
        return layer

    def folder(self, layer: Layer) -> Path:
        """Where a layer's files are."""
        return built_layer(self.blobs.root, layer.diff_id.removeprefix("sha256:")) / FILES

    def archive(self, layer: Layer) -> bytes:
        """A layer's tar."""
        with self.blobs.open(layer.diff_id) as file:
            return file.read()

    def names(self, layer: Layer) -> list[str]:
        """The entries of a layer's tar, folders with a slash."""
        return [f"{each.name}/" if each.isdir() else each.name for each in self.members(layer)]

    def members(self, layer: Layer) -> list[tarfile.TarInfo]:
        """The entries of a layer's tar."""
        archive = self.archive(layer)
        assert f"sha256:{hashlib.sha256(archive).hexdigest()}" == layer.diff_id
        assert self.blobs.size(layer.diff_id) == len(archive)
        with tarfile.open(fileobj=io.BytesIO(archive), errors="surrogateescape") as tar:
            return tar.getmembers()


@pytest.fixture
def stage(store: ImageStore) -> Stage:
    """An empty stack."""
    return Stage(store)


def base(root: Path) -> None:
    """Something to change."""
    (root / "etc").mkdir(mode=0o755)
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "data").mkdir(mode=0o700)
    (root / "data/old").write_text("old")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)


def test_a_layer_must_hold_what_was_added_with_its_owner_mode_and_time(stage: Stage):
    """Folders, files, links of both kinds, devices and pipes."""

    def add(root: Path) -> None:
        (root / "b").mkdir(mode=0o750)
        (root / "b/file").write_bytes(b"content")
        os.chown(root / "b/file", 1000, 70_000)
        (root / "b/file").chmod(0o4755)
        os.utime(root / "b/file", ns=(0, 1_500_000_000_999_999_999))
        os.link(root / "b/file", root / "b/second")
        (root / "a").symlink_to("b/file")
        os.mkfifo(root / "pipe", 0o600)
        os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))

    members = {each.name: each for each in stage.members(stage.change(add))}
    assert list(members) == ["a", "b", "b/file", "b/second", "null", "pipe"]
    file = members["b/file"]
    assert (file.mode, file.uid, file.gid, file.mtime, file.size) == (0o4755, 1000, 70_000, 1_500_000_000, 7)
    assert (members["b"].mode, members["b"].isdir()) == (0o750, True)
    assert members["a"].linkname == "b/file"
    assert (members["b/second"].islnk(), members["b/second"].linkname) == (True, "b/file")
    assert (members["null"].devmajor, members["null"].devminor, members["pipe"].isfifo()) == (1, 3, True)


def test_what_was_removed_must_be_a_whiteout_and_a_folder_made_anew_must_hide_the_old(stage: Stage):
    """Unpacked elsewhere, the layer removes the same."""
    stage.change(base)

    def remove(root: Path) -> None:
        (root / "etc/group").unlink()
        shutil.rmtree(root / "data")
        (root / "data").mkdir()
        (root / "data/new").write_text("new")

    assert stage.names(stage.change(remove)) == ["data/", "data/.wh..wh..opq", "data/new", "etc/", "etc/.wh.group"]


def test_a_new_folder_must_not_claim_to_hide_anything(stage: Stage):
    """overlayfs marks every new folder as opaque: on top of another image the mark would hide that one's files."""
    stage.change(base)
    layer = stage.change(lambda root: (root / "etc/new").mkdir())
    assert stage.names(layer) == ["etc/", "etc/new/"]
    assert os.listxattr(stage.folder(layer) / "etc/new") == []


def test_what_was_only_opened_or_copied_up_must_be_no_change(stage: Stage):
    """A layer is its digest: its folder may not have what its archive has not, whatever it was made on."""
    stage.change(base)

    def touch(root: Path) -> None:
        with (root / "etc/passwd").open("r+"):
            pass
        (root / "data").chmod(0o700)

    layer = stage.change(touch)
    assert stage.names(layer) == []
    assert layer.diff_id == f"sha256:{hashlib.sha256(bytes(1024)).hexdigest()}"
    assert list(stage.folder(layer).iterdir()) == []


def test_a_content_changed_under_the_same_time_and_size_must_be_a_change(stage: Stage):
    """sed -i and touch -r."""
    stage.change(base)

    def change(root: Path) -> None:
        status = (root / "etc/passwd").stat()
        folder = (root / "etc").stat()
        (root / "etc/passwd").write_text("toor:x:0:0::/:/bin/sh\n")
        os.utime(root / "etc/passwd", ns=(status.st_atime_ns, status.st_mtime_ns))
        os.utime(root / "etc", ns=(folder.st_atime_ns, folder.st_mtime_ns))

    assert stage.names(stage.change(change)) == ["etc/", "etc/passwd"]


def test_capabilities_and_attributes_must_stay_and_sockets_must_go(stage: Stage):
    """ping works in the image; a socket means nothing without who listened."""

    def add(root: Path) -> None:
        (root / "ping").write_bytes(b"x")
        os.setxattr(root / "ping", "security.capability", CAPABILITY)
        os.setxattr(root / "ping", "user.note", b"\xff\x00")
        os.mknod(root / "socket", stat.S_IFSOCK | 0o600)

    layer = stage.change(add)
    (member,) = stage.members(layer)
    assert member.name == "ping"
    assert member.pax_headers["SCHILY.xattr.security.capability"].encode("utf-8", "surrogateescape") == CAPABILITY
    assert member.pax_headers["SCHILY.xattr.user.note"].encode("utf-8", "surrogateescape") == b"\xff\x00"
    assert [path.name for path in stage.folder(layer).iterdir()] == ["ping"]


def test_names_of_any_bytes_and_length_must_come_back(stage: Stage):
    """Not UTF-8, not ASCII, longer than a header has room for."""
    long = "d" * 120
    names = [os.fsdecode(b"\xff\xfe"), "ärger", f"{long}/{'f' * 200}", "ends with blank ", "line\nend"]

    def add(root: Path) -> None:
        (root / long).mkdir()
        for name in names:
            (root / name).write_text("x")

    layer = stage.change(add)
    assert set(stage.names(layer)) == {f"{long}/", *names}


def test_a_sparse_file_must_stay_sparse_and_whole(stage: Stage, store: ImageStore):
    """A database's file of a gigabyte with two pages in it is not a gigabyte of layer."""

    def add(root: Path) -> None:
        with (root / "table").open("wb") as file:
            file.write(b"head")
            file.seek(512 << 20)
            file.write(b"tail")
            file.truncate(1 << 30)

    layer = stage.change(add)
    archive = stage.archive(layer)
    assert len(archive) < 1 << 20
    shutil.rmtree(stage.folder(layer).parent)
    with store.blobs.lease():
        again = stage.layers.add(Hashed(io.BytesIO(archive)), ())
    assert again.diff_id == layer.diff_id
    with (stage.folder(layer) / "table").open("rb") as file:
        assert file.read(4) == b"head"
        file.seek(512 << 20)
        assert file.read(4) == b"tail"
    assert (stage.folder(layer) / "table").stat().st_size == 1 << 30


def test_the_same_changes_must_give_the_same_layer(stage: Stage, tmp_path: Path):
    """Made in another order; and no time is later than SOURCE_DATE_EPOCH, in the folder neither."""

    def add(names: list[str]) -> Change:
        def work(root: Path) -> None:
            for name in names:
                (root / name).mkdir(exist_ok=True)
                (root / name / "file").write_text(name)
                (root / name / "link").symlink_to(name)

        return work

    one = stage.change(add(["x", "y", "z"]), clamp_s=EPOCH)
    stage.stack.clear()
    two = stage.change(add(["z", "x", "y"]), clamp_s=EPOCH)
    assert one == two
    assert {each.mtime for each in stage.members(one)} == {EPOCH}
    assert {path.lstat().st_mtime for path in stage.folder(one).rglob("*")} == {EPOCH}


def test_a_layer_whose_folder_was_changed_must_be_found_out(stage: Stage):
    """Somebody truncated a file in the state directory: saving the image says so."""
    layer = stage.change(lambda root: (root / "file").write_text("content"))
    os.truncate(stage.folder(layer) / "file", 2)
    with pytest.raises(FailedPrecondition, match="is not what it was"), stage.blobs.open(layer.diff_id) as file:
        file.read()


def test_folders_nested_beyond_reason_must_be_one_error(stage: Stage):
    """A loop of mkdir and cd in RUN is not a stack overflow here."""

    def dig(root: Path) -> None:
        descriptor = os.open(root, os.O_RDONLY)
        for _ in range(300):
            os.mkdir("d", dir_fd=descriptor)
            below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        os.close(descriptor)

    with pytest.raises(InvalidArgument, match="nested more than 256 deep"):
        stage.change(dig)
