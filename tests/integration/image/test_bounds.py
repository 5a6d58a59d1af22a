"""What is made to fill the disk is refused, within what the machine's owner allows."""

import gzip
from pathlib import Path

import pytest

from runtime.errors import InvalidArgument
from runtime.image.store import ImageStore
from runtime.paths import Paths
from tests.integration.image.tars import Entry, docker_archive, layer, oci_archive

BOMB = layer(Entry("zeros", bytes(40 << 20)))


def _bytes(paths: Paths) -> int:
    return sum(path.stat().st_size for path in paths.images.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["layer", "whole archive", "import"])
def test_a_bomb_must_be_refused_and_leave_nothing(
    store: ImageStore, tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch, kind: str
):
    """A thousandfold compression in a layer, around an archive, and around a root file system."""
    monkeypatch.setenv("PYCOMPOSE_MAX_LAYER_SIZE", "8m")
    path = tmp_path / "bomb.tar"
    if kind == "layer":
        oci_archive(path, [BOMB], {"io.containerd.image.name": "bomb:1"}, [gzip.compress(BOMB)])
    elif kind == "whole archive":
        path.write_bytes(gzip.compress(docker_archive(path, [BOMB], ["bomb:1"]).read_bytes()))
    else:
        path.write_bytes(gzip.compress(BOMB))
    assert path.stat().st_size < 1 << 20
    take = store.load if kind != "import" else lambda path: store.import_tar(path, "bomb:1")
    with pytest.raises(InvalidArgument, match="unpacks to more than 8388608 bytes") as caught:
        take(path)
    assert "PYCOMPOSE_MAX_LAYER_SIZE" in caught.value.hint
    store.collect()
    assert _bytes(paths) < 1000


def test_what_the_owner_allows_must_be_taken_and_nonsense_refused(
    store: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`64m` lets forty in; a size that is none is an error of its own."""
    path = docker_archive(tmp_path / "large.tar", [BOMB], ["large:1"])
    monkeypatch.setenv("PYCOMPOSE_MAX_LAYER_SIZE", "lots")
    with pytest.raises(InvalidArgument, match="`lots` is not a size"):
        store.load(path)
    monkeypatch.setenv("PYCOMPOSE_MAX_LAYER_SIZE", "64m")
    (record,) = store.load(path)
    assert (Path(store.lower_directories(record)[0]) / "zeros").stat().st_size == 40 << 20
