"""A file that is saved, moved or removed while a context is read must be named, and be no defect of ours."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.build.files.bringing import Selection, digest_of
from runtime.build.files.digest import NothingKnown
from runtime.build.files.source import Item, SourceTree
from runtime.errors import NotFound


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _make_a_folder(path: Path) -> None:
    _remove(path)
    path.mkdir()


def _make_a_file(path: Path) -> None:
    _remove(path)
    path.write_text("now a file")


def _make_a_link(path: Path) -> None:
    _remove(path)
    path.symlink_to("/etc/passwd")


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[SourceTree]:
    """A context with one thing of each kind."""
    (tmp_path / "file").write_text("content")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner").write_text("content")
    (tmp_path / "link").symlink_to("file")
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield SourceTree(descriptor)
    os.close(descriptor)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("file", _remove),
        ("file", _make_a_folder),
        ("file", _make_a_link),
        ("link", _remove),
        ("link", _make_a_file),
        ("folder", _remove),
        ("folder", _make_a_file),
        ("folder", _make_a_link),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__.strip("_"),
)
def test_what_changed_between_a_look_and_its_reading_must_be_named(
    tree: SourceTree, tmp_path: Path, name: str, change: Callable[[Path], None]
):
    selection = Selection(("/",))
    with pytest.raises(NotFound, match=f"`{name}` changed while it was read"):
        digest_of(_Changing(tree, lambda: change(tmp_path / name), name), selection, NothingKnown(), owned_by_root=True)


class _Changing(SourceTree):
    """A tree in which something changes right after it was found."""

    def __init__(self, tree: SourceTree, change: Callable[[], None], name: str) -> None:
        super().__init__(tree.root)
        self._change = change
        self._name = name

    def walk(self, *args: object, **kwargs: object) -> Iterator[Item]:
        for item in super().walk(*args, **kwargs):  # type: ignore[arg-type]
            if item.path == self._name:
                self._change()
            yield item
