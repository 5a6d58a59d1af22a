"""SIGKILL while images are loaded, saved and pruned: what is there is whole, and the next command tidies up."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.image.store import ImageStore
from runtime.paths import Paths
from tests.integration.image.kills import NEVER, Action, killed
from tests.integration.image.tars import Entry, docker_archive, folder, layer

BASE = layer(folder("./"), *(Entry(f"d/f{number}", bytes([number]) * 3000) for number in range(10)))
TOP = layer(folder("d"), *(Entry(f"d/g{number}", bytes([number]) * 3000) for number in range(10)))
MOMENTS = 24


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive of an image of two layers."""
    return docker_archive(tmp_path / "in.tar", [BASE, TOP], ["shop:1"])


def test_a_load_killed_at_any_moment_must_leave_no_broken_image(
    store: ImageStore, paths: Paths, archive: Path, tmp_path: Path
):
    """Whole or absent each time, and loading again always works."""
    seen = set()
    for step in _moments(paths, lambda within: within.load(archive), lambda: _forget(store)):
        assert killed(paths, lambda within: within.load(archive), step) == -signal.SIGKILL
        seen.add(_check(store, tmp_path))
        store.load(archive)
        assert _check(store, tmp_path)
        _forget(store)
    assert seen == {False, True}
    assert _files(paths) == []


def test_a_save_killed_at_any_moment_must_leave_no_archive_under_its_name(
    store: ImageStore, paths: Paths, archive: Path, tmp_path: Path
):
    """What was there before stays, or the whole new one is there; the store is as it was."""
    store.load(archive)
    store.save(["shop:1"], tmp_path / "whole.tar")
    whole = (tmp_path / "whole.tar").read_bytes()
    target = tmp_path / "out.tar"
    target.write_text("before")
    for step in _moments(paths, lambda within: within.save(["shop:1"], target), lambda: target.write_text("before")):
        assert killed(paths, lambda within: within.save(["shop:1"], target), step) == -signal.SIGKILL
        assert target.read_bytes() in (b"before", whole)
    assert _check(store, tmp_path)


def test_a_pruning_killed_at_any_moment_must_leave_what_it_keeps_whole(
    store: ImageStore, paths: Paths, archive: Path, tmp_path: Path
):
    """Layers that a kept image shares stay; what was forgotten is swept by the next command."""
    spare = docker_archive(tmp_path / "spare.tar", [BASE, TOP, TOP], ["spare:1"])
    store.load(archive)

    def prune(within: ImageStore) -> object:
        return within.prune(lambda record: "spare:1" in record.references)

    store.load(spare)
    for step in _moments(paths, prune, lambda: store.load(spare)):
        store.load(spare)
        assert killed(paths, prune, step) == -signal.SIGKILL
        assert _check(store, tmp_path)
    prune(store)
    store.save(["shop:1"], tmp_path / "alone.tar")
    expected = {Path(name).parent.name for name in store.lower_directories(store.resolve("shop:1"))}
    assert {path.name for path in (paths.images / "layers" / "diff").iterdir()} <= expected
    assert list((paths.images / "ingest").iterdir()) == []


def _check(store: ImageStore, tmp_path: Path) -> bool:
    """Whether `shop:1` is there; if it is, every layer is, and every blob, whose digests saving verifies."""
    images = [image for image in store.list() if "shop:1" in image.references]
    for image in images:
        top, base = map(Path, store.lower_directories(image))
        assert sorted(path.stat().st_size for path in (*(top / "d").iterdir(), *(base / "d").iterdir())) == [3000] * 20
        store.save(["shop:1"], tmp_path / "checked.tar")
    return bool(images)


def _forget(store: ImageStore) -> None:
    for image in store.list():
        if "host:latest" not in image.references:
            store.remove(image.id, force=True)
    store.collect()


def _files(paths: Paths) -> list[Path]:
    return [path for path in paths.images.rglob("*") if path.is_file() and path.name not in {"lock", "oci-layout"}]


def _moments(paths: Paths, action: Action, again: Callable[[], object]) -> list[int]:
    """Return steps of an action, spread evenly over it, and its last ones."""
    # The first time makes folders too.
    killed(paths, action, NEVER)
    again()
    steps = killed(paths, action, NEVER)
    again()
    return sorted({*range(0, steps, max(1, steps // MOMENTS)), *range(steps - 6, steps)})
