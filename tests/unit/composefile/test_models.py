"""The models' own small answers."""

import copy
import json
import pickle
import subprocess
import sys
from types import NoneType
from typing import get_args, get_origin

import pytest
from pydantic import ValidationError

from schemas.composefile.base import Model
from schemas.composefile.build import Ulimit
from schemas.composefile.frozen import Frozen
from schemas.composefile.port import PortConfig
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from tests.support.sources import ROOT


def project() -> Project:
    services = {name: {"name": name, "image": "i"} for name in ("a", "b")}
    return Project.model_validate(
        {"name": "p", "services": services, "disabled_services": {"c": {"name": "c", "deploy": {"replicas": 2}}}}
    )


def test_replicas_must_be_scale_then_deploy_then_one():
    """In that order."""
    assert project().services["a"].replicas == 1
    assert project().disabled_services["c"].replicas == 2
    assert ServiceConfig.model_validate({"name": "s", "scale": 0, "deploy": {"replicas": 3}}).replicas == 0


def test_scale_must_return_a_copy():
    """`--scale` changes this run, not the model."""
    services = {"a": {"name": "a"}, "c": {"name": "c", "deploy": {"replicas": 2}}}
    before = Project.model_validate({"name": "p", "services": services})
    after = before.with_scale({"a": 3, "c": 0})
    assert (after.services["a"].replicas, after.services["c"].replicas) == (3, 0)
    assert after.services["c"].deploy is not None
    assert after.services["c"].deploy.replicas == 0
    assert before.services["a"].replicas == 1


def test_networks_must_connect_by_priority_then_name():
    """The highest first."""
    networks = {"b": None, "a": {"priority": 1}, "z": {"priority": 9}, "c": None}
    service = ServiceConfig.model_validate({"name": "s", "networks": networks})
    assert service.networks_by_priority == ("z", "a", "b", "c")


def test_host_ports_must_be_a_range():
    """One port is a range of one; none leaves the choice."""
    assert PortConfig(target=80, published="8000-8010").host_ports == (8000, 8010)
    assert PortConfig(target=80, published="80").host_ports == (80, 80)
    assert PortConfig(target=80).host_ports == (0, 0)


def test_single_ulimit_must_stand_for_both():
    """`nofile: 5`."""
    assert Ulimit(single=5).limits == (5, 5)
    assert Ulimit(soft=1, hard=-1).limits == (1, -1)


def test_import_must_build_no_validator():
    """Building costs more than importing; it waits for the first load."""
    script = (
        "from schemas.composefile.project import Project\n"
        "from schemas.composefile.network import IPAMConfig\n"
        "assert not Project.__pydantic_complete__ and not IPAMConfig.__pydantic_complete__"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def _leaves(annotation: object) -> set[object]:
    """Return what an annotation is made of, those of the models in it too."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return {leaf for field in annotation.model_fields.values() for leaf in _leaves(field.annotation)}
    parts = [part for part in get_args(annotation) if part is not ...]
    containers = {get_origin(annotation)} & {tuple, Frozen, dict, list, set} if parts else {annotation}
    return containers.union(*map(_leaves, parts))


def test_a_project_must_be_immutable_to_its_leaves():
    """Every field of every model is of an immutable kind; a plan cannot be made from a half-changed project."""
    assert _leaves(Project) == {str, int, float, bool, NoneType, tuple, Frozen}


@pytest.mark.parametrize(
    "change",
    [
        lambda project: project.services.update(b=1),
        lambda project: project.services.pop("a"),
        lambda project: project.services["a"].environment.__setitem__("A", "1"),
        lambda project: project.services["a"].labels.setdefault("A", "1"),
        lambda project: project.extensions["x-own"].clear(),
        lambda project: project.extensions.__setitem__("x-own", 1),
        lambda project: setattr(project, "name", "q"),
        lambda project: setattr(project, "x-own", "q"),
        lambda project: project.services.__ior__({}),
        lambda project: project.extensions["x-own"]["deep"].append(1),
    ],
)
def test_nothing_must_change_a_project(change):
    """Mappings, extensions and attributes refuse it."""
    project = Project.model_validate({"name": "p", "services": {"a": {"name": "a"}}, "x-own": {"deep": [1]}})
    with pytest.raises((TypeError, AttributeError, ValidationError)):
        change(project)


def test_mappings_of_a_project_must_be_copied_and_written_like_others():
    """Who needs a changed one copies it; JSON and pickle take it as it is."""
    labels = ServiceConfig.model_validate({"name": "s", "labels": {"a": "1"}}).labels
    assert {**labels, "b": "2"} == {"a": "1", "b": "2"}
    assert json.loads(json.dumps(labels)) == labels == pickle.loads(pickle.dumps(labels)) == copy.deepcopy(labels)
    assert hash(labels) == hash(copy.copy(labels))


def test_a_model_must_refuse_an_unknown_key():
    """Only `x-…` is free; the message names the key."""
    with pytest.raises(ValidationError, match="unknown attribute `imgae`"):
        ServiceConfig.model_validate({"name": "s", "imgae": "i"})
    assert ServiceConfig.model_validate({"name": "s", "x-own": [1, {"a": 2}]}).extensions == {"x-own": (1, {"a": 2})}
