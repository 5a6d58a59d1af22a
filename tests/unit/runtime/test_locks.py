"""One changing command at a time."""

from pathlib import Path

import pytest

from runtime import locks
from runtime.errors import PermissionDenied


def test_a_run_directory_that_cannot_be_made_must_be_named(tmp_path: Path) -> None:
    """It is the machine's or the variable's fault, not the program's."""
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "shop"
    with (
        pytest.raises(PermissionDenied, match=r"cannot use the run directory `.*/file/shop`") as caught,
        locks.exclusive(folder / "lock", print),
    ):
        pass
    assert "PYCOMPOSE_RUN" in caught.value.hint
