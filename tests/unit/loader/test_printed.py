"""What `config` prints is the project, also where docker compose's form of it loses something."""

import pytest

from compose.loader.project import load
from tests.unit.loader.memory import load_text, options

LOSSES = """\
name: shop
services:
  bare: {image: i, network_mode: ""}
  built: {build: {context: ., dockerfile: ""}}
  on: {image: i, depends_on: {off: {condition: service_started, required: false}}}
  off: {image: i, profiles: [never]}
networks: {out: {external: true, name: "${NO_NAME-}"}}
"""


def test_an_empty_value_that_is_no_default_must_be_printed() -> None:
    """Left out, `network_mode` and `dockerfile` would be what they default to; an external name would be the key."""
    first = load(options({"compose.yaml": LOSSES}, keep_unused=True))
    assert 'network_mode: ""' in first.yaml
    assert 'dockerfile: ""' in first.yaml
    again = load(options({"compose.yaml": first.yaml}, keep_unused=True))
    assert again.yaml == first.yaml
    assert again.project.services["bare"].networks == first.project.services["bare"].networks


def test_an_optional_dependency_on_what_is_not_shown_must_not_be_printed() -> None:
    """The printed file would not load: neither here nor with docker compose."""
    assert "depends_on" not in load(options({"compose.yaml": LOSSES})).yaml


@pytest.mark.parametrize("external", ["${EXTERNAL:-true}", "'true'"])
def test_a_name_that_depends_on_a_variable_must_be_left_open(external: str) -> None:
    """`--no-interpolate` cannot know it; the printed file still becomes the same project."""
    text = "name: shop\nservices: {a: {image: i, volumes: ['data:/d']}}\nvolumes:\n  data:\n    external: " + external
    open_form = load(options({"compose.yaml": text}, interpolate=False)).yaml
    assert "name: shop_data" not in open_form
    assert load_text(open_form).yaml == load_text(text).yaml
