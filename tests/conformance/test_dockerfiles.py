"""The Dockerfiles of awesome-compose are read and planned, each with every stage its target needs.

The corpus is not part of this repository: see test_corpus.py.
"""

import os
from pathlib import Path

import pytest

from runtime.build.plan import CopyStep, ImageSource, RunStep, ScratchSource, StageSource
from tests.support.dockerfiles import plan

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("PYCOMPOSE_SHARED", ROOT.parent / "shared")) / "conformance" / "dockerfiles"
NAMES = sorted(path.name for path in CORPUS.iterdir()) if CORPUS.is_dir() else []

pytestmark = pytest.mark.skipif(not NAMES, reason=f"no corpus at {CORPUS}")


@pytest.mark.parametrize("name", NAMES)
def test_a_dockerfile_of_awesome_compose_must_be_planned(name: str):
    """It has steps, its bases are images or stages, and what it copies from comes before."""
    found = plan((CORPUS / name / "Dockerfile").read_bytes())
    assert found.result.index == max(stage.index for stage in found.stages)
    assert all(isinstance(stage.base, ImageSource | StageSource | ScratchSource) for stage in found.stages)
    planned: list[int] = []
    for stage in found.stages:
        assert set(stage.needs) <= set(planned)
        planned.append(stage.index)
    assert any(isinstance(step, CopyStep | RunStep) for stage in found.stages for step in stage.steps)
