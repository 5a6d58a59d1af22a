"""Containers of busybox under a real keeper and supervisor, without the engine."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.supervisor.stage import Stage


@pytest.fixture(scope="session")
def busybox_root(tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path) -> Path:
    """Return the unpacked busybox root file system."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["tar", "-xf", str(busybox_tar), "-C", str(root)], check=True)
    return root


@pytest.fixture
def stage(tmp_path: Path, busybox_root: Path) -> Iterator[Stage]:
    """Return a project with a supervisor; both are gone after the test."""
    made = Stage(tmp_path / "state", tmp_path / "run", busybox_root, f"st{os.getpid()}")
    yield made
    made.close()
