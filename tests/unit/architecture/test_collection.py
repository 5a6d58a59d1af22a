"""Every test is run: no folder's name keeps it from being found."""

from fnmatch import fnmatch

import pytest

from tests.support.sources import ROOT


def test_no_folder_with_tests_must_be_passed_over(pytestconfig: pytest.Config):
    """pytest has a list of names that it does not look into; `build` is on the one it comes with."""
    passed_over = pytestconfig.getini("norecursedirs")
    folders = {part for path in (ROOT / "tests").rglob("test_*.py") for part in path.relative_to(ROOT).parts[:-1]}
    assert {folder for folder in folders for pattern in passed_over if fnmatch(folder, pattern)} == set()
