"""`config --schema` is for editors: it works anywhere."""

import json

import pytest

from compose.cli.main import run
from tests.support.compose_schema import PUBLISHED


@pytest.mark.parametrize("command", ["config", "convert"])
def test_the_schema_must_be_printed_where_there_is_no_project(command, tmp_path, monkeypatch, capsys):
    """Byte for byte what is published."""
    monkeypatch.chdir(tmp_path)
    assert run([command, "--schema"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (PUBLISHED.read_text(encoding="utf-8"), "")


def test_a_broken_project_must_not_hinder_the_schema(tmp_path, monkeypatch, capsys):
    """It is what the editor needs to show where it is broken."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text("services: [")
    assert run(["config", "--schema", "-q"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"]


def test_the_schema_must_go_into_a_file(tmp_path, monkeypatch, capsys):
    """`-o`, as with all that `config` prints."""
    monkeypatch.chdir(tmp_path)
    assert run(["config", "--schema", "-o", "schema.json"]) == 0
    assert (tmp_path / "schema.json").read_bytes() == PUBLISHED.read_bytes()
    assert capsys.readouterr().out == ""
    assert run(["config", "--schema", "-o", "missing/schema.json"]) == 1
    assert "missing/schema.json" in capsys.readouterr().err
