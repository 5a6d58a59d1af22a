"""A layer's tar becomes the folder overlayfs wants, whatever is in it, and nothing outside changes."""

import os
import stat
import struct
import tarfile
from pathlib import Path

import pytest

from runtime.errors import InvalidArgument
from runtime.image.entries import Limits
from runtime.image.folders import inherit
from runtime.image.layer import unpack
from runtime.image.streams import Hashed
from runtime.syscall.tree import remove_tree
from tests.integration.image.conftest import Unpack
from tests.integration.image.tars import Entry, folder, hard_link, layer, symlink

CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
"""cap_net_bind_service=ep, as capabilities(7) stores it."""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file of the host that no layer may touch."""
    path = tmp_path / "outside"
    path.write_text("untouched")
    return path


def names(path: Path) -> list[str]:
    """What is in a folder."""
    return sorted(child.name for child in path.iterdir())


def is_whiteout(path: Path) -> bool:
    """Whether overlayfs takes it for "not there"."""
    status = path.lstat()
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(path: Path) -> bool:
    """Whether overlayfs hides what is below it."""
    return "trusted.overlay.opaque" in os.listxattr(path)


def test_a_file_must_keep_all_it_has(root: Path, unpacked: Unpack):
    """Content, owner, mode with setuid, and time to the fraction of a second."""
    unpacked(Entry("su", b"#!", mode=0o4755, uid=1000, gid=70000, modified=1_600_000_000.25))
    status = (root / "su").stat()
    assert (root / "su").read_bytes() == b"#!"
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1000, 70000, 0o4755)
    assert status.st_mtime_ns == 1_600_000_000_250_000_000


def test_a_file_capability_must_survive_the_change_of_owner(root: Path, unpacked: Unpack):
    """chown clears capabilities, so the order matters: ping would not work."""
    text = CAPABILITY.decode("utf-8", "surrogateescape")
    unpacked(Entry("ping", b"x", mode=0o755, uid=5, xattrs={"security.capability": text}))
    assert os.getxattr(root / "ping", "security.capability") == CAPABILITY


def test_folders_must_keep_their_times_although_filled_later(root: Path, unpacked: Unpack):
    """A folder's time is set after the last thing was written into it."""
    unpacked(folder("a", 0o1777, modified=5.0), folder("a/b", 0o700, uid=3, modified=6.0), Entry("a/b/c", b"x"))
    assert ((root / "a").stat().st_mtime, (root / "a/b").stat().st_mtime) == (5.0, 6.0)
    assert stat.S_IMODE((root / "a").stat().st_mode) == 0o1777
    assert (root / "a/b").stat().st_uid == 3


def test_the_root_must_have_the_mode_of_its_entry(root: Path, unpacked: Unpack):
    """The container's / is this folder."""
    unpacked(folder("./", 0o711, uid=7))
    assert (stat.S_IMODE(root.stat().st_mode), root.stat().st_uid) == (0o711, 7)


def test_links_and_nodes_must_be_made(root: Path, unpacked: Unpack):
    """Symbolic and hard links, FIFOs and devices."""
    unpacked(
        Entry("file", b"x"),
        hard_link("same", "file"),
        symlink("link", "/etc/passwd"),
        Entry("fifo", type=tarfile.FIFOTYPE),
        Entry("null", type=tarfile.CHRTYPE, device=(1, 3), mode=0o666),
    )
    assert (root / "same").stat().st_ino == (root / "file").stat().st_ino
    assert (root / "link").readlink() == Path("/etc/passwd")
    assert stat.S_ISFIFO((root / "fifo").stat().st_mode)
    null = (root / "null").stat()
    assert (null.st_rdev, stat.S_IMODE(null.st_mode)) == (os.makedev(1, 3), 0o666)


def test_a_sparse_file_must_stay_sparse(root: Path, tmp_path: Path, unpacked: Unpack):
    """GNU tar stores only the data of a file with holes; 1 GiB of nothing takes no disk."""
    source = tmp_path / "sparse"
    with source.open("wb") as file:
        file.seek(1 << 30)
        file.write(b"end")
    path = tmp_path / "sparse.tar"
    assert os.spawnlp(os.P_WAIT, "tar", "tar", "-C", str(tmp_path), "-cSf", str(path), "sparse") == 0
    unpacked(content=path.read_bytes())
    made = root / "sparse"
    assert (made.stat().st_size, made.stat().st_blocks * 512 < 1 << 20) == ((1 << 30) + 3, True)
    with made.open("rb") as file:
        file.seek(1 << 30)
        assert file.read() == b"end"


def test_a_whiteout_must_hide_what_is_below(root: Path, unpacked: Unpack):
    """`.wh.NAME` becomes overlayfs's device 0:0, `.wh..wh..opq` its opaque mark."""
    unpacked(Entry("etc/.wh.motd"), Entry("var/cache/.wh..wh..opq"), Entry("var/cache/new", b"x"))
    assert is_whiteout(root / "etc/motd")
    assert is_opaque(root / "var/cache")
    assert names(root / "var/cache") == ["new"]


def test_a_whiteout_must_not_hide_the_same_layer(root: Path, unpacked: Unpack):
    """Wherever it stands in the tar, it is about the layers below; a folder made anew is opaque."""
    unpacked(
        *(Entry("a", b"new"), Entry(".wh.a")),
        *(Entry(".wh.b"), Entry("b", b"new")),
        *(folder("c"), Entry("c/x"), Entry(".wh.c")),
        *(Entry(".wh.d"), folder("d")),
        *(Entry(".wh.e"), Entry("e/f", b"new")),
    )
    assert (root / "a").read_bytes() == (root / "b").read_bytes() == (root / "e/f").read_bytes() == b"new"
    assert [is_opaque(root / name) for name in "cde"] == [True, True, True]


@pytest.mark.parametrize("name", [".wh.", ".wh..", "a/.wh..."])
def test_a_whiteout_without_a_name_must_be_refused(name: str, unpacked: Unpack):
    """`.wh...` would hide the parent."""
    with pytest.raises(InvalidArgument, match="hides nothing"):
        unpacked(Entry(name))


def test_aufs_leftovers_must_be_left_out(root: Path, unpacked: Unpack):
    """Old images carry `.wh..wh.plnk` folders that mean nothing to overlayfs."""
    unpacked(folder(".wh..wh.plnk"), Entry(".wh..wh.plnk/12.34", b"x"), Entry(".wh..wh.aufs"))
    assert names(root) == []


def test_a_parent_that_is_a_link_must_be_followed_inside(root: Path, outside: Path, unpacked: Unpack):
    """`bin -> usr/bin` and then `bin/sh`; `/etc` and `..` mean the image's own."""
    unpacked(
        folder("usr/bin"),
        symlink("bin", "usr/bin"),
        Entry("bin/sh", b"1"),
        folder("inner"),
        symlink("absolute", "/inner"),
        Entry("absolute/x", b"2"),
        symlink("up", f"../../../../..{outside.parent}"),
        folder(str(outside.parent)),
        Entry("up/outside", b"3"),
    )
    assert (root / "usr/bin/sh").read_bytes() == b"1"
    assert (root / "inner/x").read_bytes() == b"2"
    assert Path(f"{root}{outside}").read_bytes() == b"3"
    assert outside.read_text() == "untouched"


def test_a_file_must_replace_a_link_instead_of_writing_through_it(root: Path, outside: Path, unpacked: Unpack):
    """First a link to a file of the host, then a file of that name (CVE-2007-4559's class)."""
    unpacked(symlink("x", str(outside)), Entry("x", b"mine"), symlink("d", str(outside.parent)), folder("d", 0o700))
    assert (root / "x").read_bytes() == b"mine"
    assert not (root / "d").is_symlink()
    assert outside.read_text() == "untouched"
    assert (
        stat.S_IMODE(outside.parent.stat().st_mode) != 0o700
        or outside.parent.stat().st_ino != (root / "d").stat().st_ino
    )


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/../outside"])
def test_a_path_out_of_the_image_must_be_refused(name: str, outside: Path, unpacked: Unpack):
    """Nothing is written next to the layer."""
    with pytest.raises(InvalidArgument, match="leads out of the image"):
        unpacked(Entry(name, b"x"))
    assert outside.read_text() == "untouched"


def test_an_absolute_path_must_be_the_images_own(root: Path, outside: Path, unpacked: Unpack):
    """`/tmp/x` is /tmp/x of the image."""
    unpacked(Entry(str(outside), b"x"))
    assert Path(f"{root}{outside}").read_bytes() == b"x"
    assert outside.read_text() == "untouched"


@pytest.mark.parametrize("target", ["{outside}", "../outside", "missing", "folder", "", ".wh.x", "gone"])
def test_a_hard_link_must_be_to_a_file_of_the_layer(target: str, outside: Path, unpacked: Unpack):
    """Else the image could change a file of the host, or read one."""
    with pytest.raises(InvalidArgument):
        unpacked(folder("folder"), Entry(".wh.gone"), hard_link("x", target.format(outside=outside)))
    assert outside.stat().st_nlink == 1


def test_a_hard_link_through_a_link_must_stay_inside(root: Path, outside: Path, unpacked: Unpack):
    """A link's parents are resolved inside too, and the link itself is linked, not what it leads to."""
    unpacked(
        symlink("out", str(outside.parent)),
        folder(str(outside.parent)),
        Entry(str(outside), b"inner"),
        hard_link("x", "out/outside"),
        symlink("s", str(outside)),
        hard_link("y", "s"),
    )
    assert (root / "x").read_bytes() == b"inner"
    assert (root / "y").is_symlink()
    assert (outside.read_text(), outside.stat().st_nlink) == ("untouched", 1)


def test_a_hard_link_to_itself_must_leave_the_file(root: Path, unpacked: Unpack):
    """Some tools write one for a file they saw twice."""
    unpacked(Entry("a", b"x"), hard_link("a", "a"))
    assert ((root / "a").read_bytes(), (root / "a").stat().st_nlink, names(root)) == (b"x", 1, ["a"])


def test_a_parent_that_is_no_folder_must_be_refused(unpacked: Unpack):
    """A file, a link to nothing, a link to itself."""
    for entry in (Entry("a", b"x"), symlink("a", "nowhere"), symlink("a", "a")):
        with pytest.raises(InvalidArgument):
            unpacked(entry, Entry("a/b", b"x"))


def test_later_entries_must_replace_earlier_ones(root: Path, unpacked: Unpack):
    """Also a whole folder by a file and back; open descriptors of the old one are not written to."""
    unpacked(
        *(folder("a"), Entry("a/b", b"1"), Entry("a", b"2"), folder("a"), Entry("a/c", b"3")),
        *(folder("d", 0o700), Entry("d/e"), folder("d", 0o750)),
    )
    assert names(root / "a") == ["c"]
    assert (stat.S_IMODE((root / "d").stat().st_mode), names(root / "d")) == (0o750, ["e"])


def test_implied_parents_must_be_named_and_plain(root: Path, unpacked: Unpack):
    """Folders without an entry are 0755 of root, even inside a setgid one and under a tight umask."""
    previous = os.umask(0o077)
    try:
        result = unpacked(folder("s", 0o2770, gid=9), Entry("s/t/u/v"), Entry("w/x"), folder("w"))
    finally:
        os.umask(previous)
    assert result.implied == (("s", "t"), ("s", "t", "u"))
    status = (root / "s/t").stat()
    assert (status.st_gid, stat.S_IMODE(status.st_mode)) == (0, 0o755)


def test_an_implied_parent_must_look_as_in_the_layer_below(root: Path, tmp_path: Path, unpacked: Unpack):
    """A layer with only tmp/x must not turn the 1777 of /tmp into 0755."""
    lower = tmp_path / "lower"
    (lower / "tmp").mkdir(parents=True)
    (lower / "tmp").chmod(0o1777)
    os.chown(lower / "tmp", 5, 6)
    implied = unpacked(Entry("tmp/x")).implied
    descriptor = os.open(root, os.O_RDONLY)
    inherit(descriptor, implied, [str(lower)])
    os.close(descriptor)
    status = (root / "tmp").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o1777, 5, 6)


def test_spoofed_overlay_attributes_must_be_dropped(root: Path, unpacked: Unpack):
    """A redirect would show another folder of the layers; others stay."""
    attributes = {"trusted.overlay.redirect": "/etc", "trusted.overlay.opaque": "y", "user.mine": "1"}
    unpacked(folder("a", xattrs=attributes))
    assert os.listxattr(root / "a") == ["user.mine"]


def test_attributes_a_link_cannot_have_must_be_left_out(root: Path, unpacked: Unpack):
    """Linux has no user attributes on links; the image is none the worse."""
    unpacked(Entry("l", type=tarfile.SYMTYPE, link="x", xattrs={"user.a": "1", "trusted.b": "2"}))
    assert os.listxattr(root / "l", follow_symlinks=False) == ["trusted.b"]


@pytest.mark.parametrize(
    "entry",
    [
        Entry("a" * 256),
        Entry("/".join(["d"] * 5000)),
        symlink("a", ""),
        symlink("a", "b" * 5000),
        Entry(".", b"x"),
        Entry("a", type=b"Z"),
        Entry("a", uid=2**33),
    ],
)
def test_what_cannot_be_a_file_must_be_refused(entry: Entry, unpacked: Unpack):
    """Always our error, never a traceback, a crash or a half-understood file."""
    with pytest.raises(InvalidArgument):
        unpacked(entry)


def test_deep_folders_must_be_possible(root: Path, unpacked: Unpack):
    """As deep as a path can be, without recursion or running out of descriptors."""
    unpacked(Entry("/".join(["d"] * 2000 + ["f"]), b"x"))
    assert (root / "/".join(["d"] * 2000 + ["f"])).read_bytes() == b"x"
    remove_tree(root)  # pytest's own cleanup would run out of recursion


@pytest.mark.parametrize(
    ("limits", "entries"),
    [(Limits(entries=10), [Entry(f"f{n}") for n in range(11)]), (Limits(size_bytes=99), [Entry("a", b"x" * 100)])],
)
def test_too_much_must_be_refused(limits: Limits, entries: list[Entry], unpacked: Unpack):
    """A layer of a million files or of terabytes stops at the limit."""
    with pytest.raises(InvalidArgument, match="more than"):
        unpacked(*entries, limits=limits)


def test_a_header_of_gigabytes_must_not_be_read(unpacked: Unpack):
    """The size of an extended header is a stranger's number; it is read into memory whole."""
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.XHDTYPE, (1 << 33) - 1
    header = member.tobuf(tarfile.USTAR_FORMAT)

    class Endless:
        def __init__(self) -> None:
            self.start = header
            self.given = 0

        def read(self, size: int = -1, /) -> bytes:
            piece, self.start = (self.start or bytes(size))[:size], self.start[size:]
            self.given += len(piece)
            assert self.given < 64 << 20, "megabytes of a header were read"
            return piece

    with pytest.raises(InvalidArgument, match="header"):
        unpack(Hashed(Endless()), -1)


@pytest.mark.parametrize("cut", [100, 513, 700, 1024 + 300])
def test_a_tar_that_ends_early_must_be_refused(cut: int, unpacked: Unpack):
    """Half a header, half a file."""
    content = layer(Entry("a", b"x" * 2000))
    with pytest.raises(InvalidArgument):
        unpacked(content=content[:cut])


def test_garbage_must_be_refused(unpacked: Unpack):
    """It says that this is no tar."""
    with pytest.raises(InvalidArgument, match="not a tar"):
        unpacked(content=b"\x7fELF" + bytes(range(256)) * 40)
