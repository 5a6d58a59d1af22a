"""The models' own small answers."""

import subprocess
import sys

from schemas.composefile.build import Ulimit
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
