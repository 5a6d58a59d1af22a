"""A cache in a folder that somebody else may write to."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from runtime.build.remotecache.sources import FolderCache
from runtime.errors import EngineError, InvalidArgument, NotFound
from runtime.image.store import ImageStore
from schemas.engine.builds import CacheKind, CacheSource
from schemas.oci.media_types import OCI_INDEX, OCI_MANIFEST, REF_NAME


def _cache(folder: Path, digest: str = "") -> FolderCache:
    # Reading asks nothing of the store.
    return FolderCache(CacheSource(CacheKind.LOCAL, str(folder), digest=digest), cast("ImageStore", None))


def _blob(folder: Path, document: object, media_type: str) -> dict[str, object]:
    content = json.dumps(document).encode()
    name = hashlib.sha256(content).hexdigest()
    place = folder / "blobs/sha256"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(content)}


def _index(folder: Path, entry: dict[str, object]) -> None:
    tagged = {**entry, "annotations": {REF_NAME: "latest"}}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [tagged]}))


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        lambda path: path.symlink_to("/etc/passwd"),
        lambda path: path.mkdir(),
        lambda path: path.touch() or os.truncate(path, 1 << 40),
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_text('{"manifests": [{"digest": "sha256:../../../etc/passwd", "size": 1}]}'),
        lambda path: path.write_text('{"manifests": 5}'),
    ],
)
def test_an_index_that_is_none_must_be_refused_at_once(tmp_path: Path, make: Callable[[Path], None]):
    """Nobody waits for a pipe, follows a link, or reads a terabyte."""
    make(tmp_path / "index.json")
    with pytest.raises(EngineError):
        _cache(tmp_path).read()


def test_a_blob_with_other_content_must_be_refused(tmp_path: Path):
    """Whatever the index calls it."""
    entry = _blob(tmp_path, {"schemaVersion": 2}, OCI_MANIFEST)
    _index(tmp_path, entry)
    (path,) = (tmp_path / "blobs/sha256").iterdir()
    path.write_text("{}")
    with pytest.raises(InvalidArgument, match="another content"):
        _cache(tmp_path).read()


def test_indexes_in_indexes_must_come_to_an_end(tmp_path: Path):
    """A chain without an image is followed a few steps."""
    entry = _blob(tmp_path, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}, OCI_INDEX)
    for _ in range(20):
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
        entry = _blob(tmp_path, document, OCI_INDEX)
    _index(tmp_path, entry)
    with pytest.raises(NotFound, match="nothing for this machine"):
        _cache(tmp_path).read()


def test_a_digest_that_the_folder_has_not_must_be_named(tmp_path: Path):
    """`digest=` pins what is read; the tag does not count then."""
    wanted = f"sha256:{'0' * 64}"
    _index(tmp_path, _blob(tmp_path, {"schemaVersion": 2}, OCI_MANIFEST))
    with pytest.raises(NotFound, match=wanted):
        _cache(tmp_path, wanted).read()
