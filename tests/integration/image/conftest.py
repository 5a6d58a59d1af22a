"""An image store of the test's own, and layers unpacked into folders."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.image.entries import Limits
from runtime.image.layer import Unpacked, unpack
from runtime.image.store import ImageStore
from runtime.image.streams import Hashed
from runtime.paths import Paths
from runtime.state.database import Database
from tests.integration.image.tars import Entry, layer

Unpack = Callable[..., Unpacked]


@pytest.fixture
def store(database: Database, paths: Paths) -> ImageStore:
    """Return the test's image store."""
    return ImageStore(database, paths)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the folder that `unpacked` fills."""
    path = tmp_path / "layer"
    path.mkdir()
    return path


@pytest.fixture
def unpacked(root: Path) -> Unpack:
    """Return a function that unpacks entries, or a whole tar, into `root`."""

    def unpack_entries(*entries: Entry, content: bytes | None = None, limits: Limits | None = None) -> Unpacked:
        source = Hashed(io.BytesIO(layer(*entries) if content is None else content))
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return unpack(source, descriptor, limits)
        finally:
            os.close(descriptor)

    return unpack_entries
