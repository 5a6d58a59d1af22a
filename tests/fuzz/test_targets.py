"""The loader under texts that nobody wrote by hand: refused with a place, or loaded to what loads to itself."""

import importlib.util
import os
import platform
import sys
from pathlib import Path

import pytest

from tests.fuzz.run import HERE, fuzz
from tests.fuzz.targets import TARGETS, any_project

SEEDS = sorted(path for path in (HERE / "corpus").rglob("*") if path.is_file())
REGRESSIONS = sorted(path for path in (HERE / "regressions").rglob("*") if path.is_file())
SECONDS = {"load": 5, "documents": 5}
"""Of each target that is not given one second."""


@pytest.mark.parametrize("path", [*SEEDS, *REGRESSIONS], ids=lambda path: f"{path.parent.name}-{path.name}")
def test_inputs_that_were_kept_must_hold(path):
    """What each language has, and what once broke its reader; the folder is the target's."""
    TARGETS[path.parent.name].check(path.read_bytes())


def test_any_project_must_be_refused_or_load_to_itself():
    """A hundred and fifty projects that are nearly right."""
    any_project()


def test_every_target_must_have_seeds():
    """Only `documents` draws its own."""
    assert {path.parent.name for path in SEEDS} == set(TARGETS) - {"documents"}


@pytest.mark.parametrize("target", TARGETS)
def test_a_fuzzer_must_find_nothing_in_a_few_seconds(target, tmp_path: Path):
    """Guided by the branches that are reached; `make fuzz SECONDS=3600` goes on for longer."""
    if importlib.util.find_spec("atheris") is None:
        reason = "no wheel of atheris for this machine"
        if os.environ.get("PYCOMPOSE_REQUIRE") == "1" and sys.version_info[:2] == (3, 11) and _has_wheels():
            pytest.fail(f"PYCOMPOSE_REQUIRE=1, but {reason}", pytrace=False)
        pytest.skip(reason)
    run = fuzz(target, SECONDS.get(target, 1), tmp_path)
    reports = [path.with_suffix(".txt").read_text() for path in run.findings if path.with_suffix(".txt").exists()]
    assert run.is_clean, "\n".join([run.died, *reports])
    assert run.executions > 0


def _has_wheels() -> bool:
    return (platform.system(), platform.machine()) == ("Linux", "x86_64") and platform.libc_ver()[0] == "glibc"
