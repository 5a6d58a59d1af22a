"""A context, a root to bring files into, and something outside that nothing may touch."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.build.files import matching
from runtime.build.files.bringing import Arrival, Bringing, Selection, digest_of
from runtime.build.files.digest import NothingKnown
from runtime.build.files.source import SourceTree
from runtime.image.store import ImageStore
from runtime.launch.tree import Tree
from runtime.paths import Paths
from runtime.state.database import Database
from schemas.engine.identifiers import DiffID
from tests.integration.build.stages import Builds

Copy = Callable[..., str]


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """An empty build context."""
    path = tmp_path / "context"
    path.mkdir()
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a stage."""
    path = tmp_path / "root"
    (path / "etc").mkdir(parents=True)
    path.chmod(0o755)
    (path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nweb:x:1000:2000::/:/bin/sh\n")
    (path / "etc/group").write_text("root:x:0:\nadmins:x:3000:\n")
    return path


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder of the host's, which must stay as it is."""
    path = tmp_path / "outside"
    path.mkdir()
    (path / "secret").write_text("untouched")
    before = (path.stat().st_mtime_ns, (path / "secret").stat())
    yield path
    assert [each.name for each in path.iterdir()] == ["secret"]
    assert (path / "secret").read_text() == "untouched"
    status = (path / "secret").stat()
    assert path.stat().st_mtime_ns == before[0]
    assert (status.st_mode, status.st_uid, status.st_mtime_ns) == (
        before[1].st_mode,
        before[1].st_uid,
        before[1].st_mtime_ns,
    )


@pytest.fixture
def copy(context: Path, root: Path) -> Iterator[Copy]:
    """Return COPY of the context into the root: sources, then the destination; returns the digest."""
    mask = os.umask(0)

    def run(*words: str, ignore: tuple[str, ...] = (), exclude: tuple[str, ...] = (), **more: object) -> str:
        *patterns, destination = words
        selection = Selection(tuple(patterns), exclude, parents=bool(more.pop("parents", False)))
        unpack = bool(more.pop("unpack", False))
        arrival = Arrival(destination, **more)  # type: ignore[arg-type]
        flags = os.O_RDONLY | os.O_DIRECTORY
        source, target = os.open(context, flags), os.open(root, flags)
        try:
            tree = SourceTree(source, matching.rules(ignore))
            expected = digest_of(tree, selection, NothingKnown(), owned_by_root=True)
            bringing = Bringing(target, Tree(target), arrival, owned_by_root=True)
            digest = bringing.bring(tree, selection, unpack=unpack)
        finally:
            os.close(source)
            os.close(target)
        assert digest == expected
        return digest

    yield run
    os.umask(mask)


@pytest.fixture
def builds(paths: Paths, database: Database, context: Path, busybox_tar: Path) -> Iterator[Builds]:
    """Return builds on a busybox. Nothing half done is left in the store."""
    images = ImageStore(database, paths)
    record = images.import_tar(busybox_tar, "busybox")
    yield Builds(paths, database, images, context, tuple(DiffID(each) for each in record.layers))
    assert [path.name for path in (paths.images / "ingest").iterdir()] == []
