"""`config` end to end, in this process."""

import json
from pathlib import Path

import pytest

from compose.cli.main import run

TEXT = """\
name: shop
services:
  web:
    image: web:${TAG:-1}
    ports: ["80:80"]
    volumes: ["data:/data"]
    networks: [front]
  db: {build: ., profiles: [store]}
networks: {front: }
volumes: {data: }
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run `config` in a folder with the project; returns exit code, output, errors."""
    (tmp_path / "compose.yaml").write_text(TEXT)
    (tmp_path / ".env").write_text("FROM_FILE=1\n")
    monkeypatch.chdir(tmp_path)

    def run_config(*arguments: str, globals_: tuple[str, ...] = ()) -> tuple[int, str, str]:
        code = run([*globals_, "config", *arguments])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run_config


def test_yaml_must_begin_with_the_name_and_be_sorted(config):
    """docker compose's form."""
    code, out, _ = config()
    assert code == 0
    assert out.splitlines()[0] == "name: shop"
    assert out.index("networks:") < out.index("services:") < out.index("volumes:")
    assert 'published: "80"' in out


def test_json_must_be_the_canonical_form(config):
    """What scripts read."""
    model = json.loads(config("--format", "json")[1])
    assert model["services"]["web"]["ports"][0] == {
        "mode": "ingress",
        "protocol": "tcp",
        "published": "80",
        "target": 80,
    }


@pytest.mark.parametrize(
    ("flags", "globals_", "lines"),
    [
        (("--services",), (), ["web"]),
        (("--services",), ("--profile", "store"), ["db", "web"]),
        (("--volumes",), (), ["data"]),
        (("--networks",), (), ["front"]),
        (("--images",), ("--profile", "*"), ["shop-db", "web:1"]),
        (("--profiles",), (), ["store"]),
        (("-q",), (), []),
    ],
)
def test_parts_must_be_one_a_line(config, flags, globals_, lines):
    """Names to feed to other programs."""
    code, out, _ = config(*flags, globals_=globals_)
    assert (code, out.splitlines()) == (0, lines)


def test_hash_must_be_of_the_services_asked_for(config):
    """`*` is all of them."""
    line = config("--hash", "web")[1]
    assert line.split()[0] == "web"
    assert len(line.split()[1]) == 64
    assert config("--hash", "*")[1] == line
    assert config("--hash", "nope")[0] == 1


def test_output_must_go_to_a_file(config, tmp_path):
    """`-o`; nothing on standard output."""
    assert config("-o", "out.yaml")[1] == ""
    assert (tmp_path / "out.yaml").read_text().startswith("name: shop\n")


def test_variables_must_be_listed_with_default_and_source(config):
    """What can be set, and what is set where."""
    _, out, _ = config("--variables")
    header, *rows = out.splitlines()
    assert header == "NAME                REQUIRED            DEFAULT VALUE       ALTERNATE VALUE"
    row = next(line for line in rows if line.startswith("TAG"))
    assert row.split() == ["TAG", "false", "1"]
    assert "FROM_FILE=1" in config("--environment")[1].splitlines()


def test_templates_must_stay_without_interpolation(config):
    """`--no-interpolate`."""
    assert "web:${TAG:-1}" in config("--no-interpolate")[1]


def test_error_must_be_shown_with_its_line_and_exit_with_15(config, tmp_path):
    """On standard error; nothing on standard output."""
    (tmp_path / "compose.yaml").write_text("services:\n  web:\n    imagee: x\n")
    code, out, err = config()
    assert (code, out) == (15, "")
    assert "compose.yaml:3:5" in err
    assert "did you mean `image`?" in err
