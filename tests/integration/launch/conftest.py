"""Fixtures of the launcher's tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.launch.containers import Containers, make_root
from tests.support import images


@pytest.fixture(scope="session")
def busybox_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a busybox root that containers share as their lowest layer."""
    if images.busybox() is None:
        reason = "busybox: install busybox-static"
        if os.environ.get("PYCOMPOSE_REQUIRE") == "1":
            pytest.fail(f"PYCOMPOSE_REQUIRE=1, but {reason}", pytrace=False)
        pytest.skip(reason)
    return make_root(tmp_path_factory.mktemp("busybox-root") / "root")


@pytest.fixture
def containers(tmp_path: Path, busybox_root: Path) -> Iterator[Containers]:
    """Return a maker of containers that are gone after the test."""
    made = Containers(tmp_path, busybox_root)
    yield made
    made.close()
