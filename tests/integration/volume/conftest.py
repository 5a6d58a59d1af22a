"""A volume store of the test's own."""

import pytest

from runtime.paths import Paths
from runtime.state.database import Database
from runtime.volume.store import VolumeStore


@pytest.fixture
def store(database: Database, paths: Paths) -> VolumeStore:
    """Return the test's volumes."""
    return VolumeStore(database, paths)
