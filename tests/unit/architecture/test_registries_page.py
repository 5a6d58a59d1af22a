"""docs/registries.md names a test for each statement of the distribution-spec: they exist."""

import re
from pathlib import Path

from tests.support.sources import ROOT

PAGE = ROOT / "docs" / "registries.md"


def test_every_test_that_the_page_names_must_exist() -> None:
    """A test that is renamed takes its line along."""
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    folders = (ROOT / "tests" / "integration" / "registry", ROOT / "tests" / "scenarios" / "registry")
    defined = {name for folder in folders for path in folder.glob("*.py") for name in _defined(path)}
    assert len(named) > 25
    assert named - defined == set()


def _defined(path: Path) -> list[str]:
    return re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
