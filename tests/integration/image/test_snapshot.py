"""A container's own layer: made like the image's root, removed whatever the container did to it."""

import fcntl
import os
import stat
import subprocess
from pathlib import Path

import pytest

from runtime.errors import FailedPrecondition, NotFound
from runtime.image import snapshot
from runtime.paths import Paths
from runtime.syscall.tree import remove_tree

IMMUTABLE = (0x10).to_bytes(8, "little")
SET_FLAGS = 0x40086602


def test_the_root_of_a_container_must_look_like_the_images(paths: Paths, root: Path):
    """overlayfs takes owner, mode and attributes of / from the container's folder."""
    root.chmod(0o1711)
    os.chown(root, 4, 5)
    os.setxattr(root, "user.mark", b"1")
    os.setxattr(root, "trusted.overlay.opaque", b"y")
    rootfs = snapshot.prepare(paths, "abc", [str(root), "/lower"], read_only=True)
    status = Path(rootfs.upper).stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o1711, 4, 5)
    assert os.listxattr(rootfs.upper) == ["user.mark"]
    assert (rootfs.lower[1:], rootfs.read_only) == ((str(root), "/lower"), True)
    assert Path(rootfs.lower[0], ".dockerenv").is_file()
    assert Path(rootfs.upper).parent == paths.container("abc")
    assert list(Path(rootfs.work).iterdir()) == []


def test_a_layer_that_is_gone_must_be_named(paths: Paths, root: Path):
    """Not a traceback out of the launcher."""
    with pytest.raises(NotFound, match="missing"):
        snapshot.prepare(paths, "abc", [str(root / "missing")])
    assert not paths.container("abc").exists()


def test_removing_must_be_repeatable_and_leave_the_rest(paths: Paths, root: Path):
    """The bundle and the log beside it belong to the engine."""
    rootfs = snapshot.prepare(paths, "abc", [str(root)])
    Path(rootfs.upper, "f").write_bytes(b"12345")
    paths.bundle("abc").write_text("{}")
    snapshot.remove(paths, "abc")
    snapshot.remove(paths, "abc")
    snapshot.remove(paths, "never-there")
    assert [path.name for path in paths.container("abc").iterdir()] == ["bundle.json"]


def test_removing_must_not_follow_links(tmp_path: Path):
    """A container leaves links to the host's folders behind."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("x")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(outside)
    remove_tree(tree)
    (tmp_path / "tree").symlink_to(outside)
    remove_tree(tmp_path / "tree")
    assert (outside / "file").read_text() == "x"
    assert not os.path.lexists(tmp_path / "tree")


def test_removing_must_cope_with_depth(tmp_path: Path):
    """Folders nested deeper than a path can name or a process can recurse."""
    tree = tmp_path / "tree"
    tree.mkdir()
    here = os.open(tree, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d" * 10, dir_fd=here)
        below = os.open("d" * 10, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    remove_tree(tree)
    assert not tree.exists()


def test_removing_must_take_off_what_locks_files(tmp_path: Path):
    """chattr +i on a file and on a folder, and folders nobody may enter."""
    tree = tmp_path / "tree"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/file").write_text("x")
    (tree / "a/b/fifo").parent.mkdir(exist_ok=True)
    os.mkfifo(tree / "a/b/fifo")
    for path in (tree / "a/b/file", tree / "a/b", tree / "a"):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SET_FLAGS, IMMUTABLE)
        except OSError as error:
            pytest.skip(f"the file system has no immutable files: {error}")
        finally:
            os.close(descriptor)
    remove_tree(tree)
    assert not tree.exists()


def test_removing_must_stop_at_a_mount(tmp_path: Path):
    """A bind that was left in the tree leads to somebody's files, on the same file system too."""
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    (tree / "mnt").mkdir(parents=True)
    outside.mkdir()
    (outside / "precious").write_text("x")
    subprocess.run(["mount", "--bind", str(outside), str(tree / "mnt")], check=True, timeout=10)
    try:
        with pytest.raises(FailedPrecondition, match="mounted"):
            remove_tree(tree)
    finally:
        subprocess.run(["umount", str(tree / "mnt")], check=True, timeout=10)
    assert (outside / "precious").exists()
    remove_tree(tree)
