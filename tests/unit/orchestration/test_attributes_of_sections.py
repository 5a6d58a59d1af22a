"""docs/attributes.md on networks, volumes, secrets and configs: what it says of each attribute is true."""

from dataclasses import replace

import pytest

from compose.errors import ComposeError
from compose.orchestration.specs.files import file_objects
from compose.orchestration.specs.resources import network_spec, volume_spec
from schemas.composefile.project import Project
from tests.support.attributes import rows
from tests.unit.loader.memory import load_text

STATE = {path: state for path, state, _ in rows()}
POOL = "ipam: {config: [{subnet: 10.1.1.0/24}]}"
SAMPLES: dict[str, tuple[str, str]] = {
    "networks.*.attachable": ("", "attachable: true"),
    "networks.*.driver": ("", "driver: macvlan"),
    "networks.*.driver_opts": ("", "driver_opts: {a: b}"),
    "networks.*.enable_ipv4": ("", "enable_ipv4: false"),
    "networks.*.enable_ipv6": ("", "enable_ipv6: true"),
    "networks.*.internal": ("", "internal: true"),
    "networks.*.ipam.config": ("", POOL),
    "networks.*.ipam.config[].subnet": ("", POOL),
    "networks.*.ipam.config[].gateway": (POOL, "ipam: {config: [{subnet: 10.1.1.0/24, gateway: 10.1.1.9}]}"),
    "networks.*.ipam.config[].ip_range": (POOL, "ipam: {config: [{subnet: 10.1.1.0/24, ip_range: 10.1.1.0/25}]}"),
    "networks.*.ipam.config[].aux_addresses": (
        POOL,
        "ipam: {config: [{subnet: 10.1.1.0/24, aux_addresses: {h: 10.1.1.9}}]}",
    ),
    "networks.*.ipam.driver": ("", "ipam: {driver: d}"),
    "networks.*.ipam.options": ("", "ipam: {options: {a: b}}"),
    "networks.*.labels": ("", "labels: {a: b}"),
    "networks.*.name": ("", "name: x"),
    "volumes.*.driver": ("", "driver: d"),
    "volumes.*.driver_opts": ("", "driver_opts: {a: b}"),
    "volumes.*.labels": ("", "labels: {a: b}"),
    "volumes.*.name": ("", "name: x"),
    "secrets.*.environment": ("file: f", "environment: HOME"),
    "secrets.*.external": ("file: f", "external: true"),
    "secrets.*.file": ("file: f", "file: g"),
    "secrets.*.labels": ("file: f", "file: f, labels: {a: b}"),
    "secrets.*.name": ("file: f", "file: f, name: x"),
    "secrets.*.driver": ("file: f", "file: f, driver: d"),
    "secrets.*.driver_opts": ("file: f", "file: f, driver_opts: {a: b}"),
    "secrets.*.template_driver": ("file: f", "file: f, template_driver: d"),
    "configs.*.content": ("file: f", "content: text"),
    "configs.*.environment": ("file: f", "environment: HOME"),
    "configs.*.external": ("file: f", "external: true"),
    "configs.*.file": ("file: f", "file: g"),
    "configs.*.labels": ("file: f", "file: f, labels: {a: b}"),
    "configs.*.name": ("file: f", "file: f, name: x"),
    "configs.*.template_driver": ("file: f", "file: f, template_driver: d"),
}
ELSEWHERE = {"networks.*.external", "volumes.*.external", "networks.*.ipam", "secrets.*.external", "configs.*.external"}
"""What exists already is not asked for: test_reconcile_resources."""


def asked_for(section: str, attributes: str) -> object:
    """What the runtime is asked for because of one entry of a section."""
    service = f"services: {{a: {{image: i, {USES[section]}}}}}"
    return ASKED[section](load_text(f"{service}\n{section}: {{own: {{{attributes}}}}}\n").project)


def _network(project: Project) -> object:
    spec = network_spec(project, "own")
    # Kept for who looks, and for clusters alone: every container may join.
    return replace(spec, attachable=False, labels=_of_the_user(spec.labels))


def _volume(project: Project) -> object:
    spec = volume_spec(project, "own")
    return replace(spec, labels=_of_the_user(spec.labels))


def _files(project: Project) -> object:
    return file_objects(project, project.services["a"])


def _of_the_user(labels: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if not key.startswith("com.docker.compose.")}


USES = {
    "networks": "networks: [own]",
    "volumes": "volumes: ['own:/x']",
    "secrets": "secrets: [own]",
    "configs": "configs: [own]",
}
ASKED = {"networks": _network, "volumes": _volume, "secrets": _files, "configs": _files}


@pytest.mark.parametrize("path", sorted(SAMPLES))
def test_the_state_of_an_attribute_must_be_true(path):
    """What works changes what the runtime is asked for, ignored is no change, refused an error."""
    section = path.partition(".")[0]
    without, with_it = SAMPLES[path]
    try:
        state = "ignored" if asked_for(section, with_it) == asked_for(section, without) else "works"
    except ComposeError:
        state = "refused"
    assert state == STATE[path]


def test_every_attribute_must_be_tried():
    """Of the four sections that containers use."""
    wanted = {path for path in STATE if path.partition(".")[0] in USES and "." in path}
    assert {path for path in wanted - set(SAMPLES) - ELSEWHERE if not path.endswith(".external.name")} == set()
