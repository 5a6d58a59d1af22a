"""`run -v`: where its paths start."""

import pytest

from compose.cli.commands.run import _volume
from compose.loader.project import load
from tests.unit.loader.memory import FOLDER, options

PROJECT = load(options({"compose.yaml": "services: {a: {image: i}}\n"})).project


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("./x", f"{FOLDER}/x"),
        ("/x/../y", "/y"),
        ("~/x", "/home/tester/x"),
        ("~nobody-has-it/x", f"{FOLDER}/~nobody-has-it/x"),
    ],
)
def test_a_host_path_must_start_at_the_project_or_at_home(source, expected, monkeypatch):
    """A user that is unknown is a folder of that name, as for the shell."""
    monkeypatch.setenv("HOME", "/home/tester")
    assert _volume(f"{source}:/t", PROJECT).source == expected
