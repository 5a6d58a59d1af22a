"""Directories and a state of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.paths import Paths
from runtime.state.database import Database


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Return the test's directories."""
    return Paths(tmp_path / "state", tmp_path / "run")


@pytest.fixture
def database(paths: Paths) -> Iterator[Database]:
    """Return the test's state."""
    opened = Database(paths.database)
    yield opened
    opened.close()
