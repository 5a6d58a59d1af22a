"""The import contracts of pyproject.toml hold."""

import subprocess
import sys

from tests.support.sources import ROOT


def test_every_import_contract_must_hold():
    """Who may import whom is written in pyproject.toml; import-linter names the whole chain of a violation."""
    linter = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    finished = subprocess.run(
        [sys.executable, "-c", linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
