"""Errors and warnings for editors and CI: one object a line on standard error."""

import json
import re
from pathlib import Path

import pytest

from compose.cli.main import run

DOCUMENTED = Path(__file__).resolve().parents[3] / "docs" / "diagnostics.md"
WRONG = "services:\n  web:\n    imagee: nginx\n  db: {image: 5}\n"
ODD = "services:\n  web: {image: 'nginx${TAG}'}\nvolumes: {data: }\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def objects(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    shown = capsys.readouterr()
    return [json.loads(line) for line in shown.err.splitlines()]


@pytest.mark.parametrize(
    "arguments", [["config", "--format", "json"], ["config", "-q", "--format", "json"], ["--progress", "json", "ps"]]
)
def test_each_error_must_be_an_object_with_its_place(
    arguments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the exit code is what it is without."""
    (folder / "compose.yaml").write_text(WRONG)
    if arguments[-1] == "ps":
        arguments = ["--progress", "json", "up", "--dry-run"]
    assert run(arguments) == 15
    first, second = objects(capsys)
    assert first == {
        "error": True,
        "severity": "error",
        "code": "unknown-key",
        "message": "services.web Additional property imagee is not allowed",
        "path": "services.web.imagee",
        "file": str(folder / "compose.yaml"),
        "line": 3,
        "column": 5,
        "end_column": 11,
        "text": "    imagee: nginx",
        "hint": "did you mean `image`?",
    }
    assert (second["code"], second["line"], second["column"], second["end_column"]) == ("wrong-type", 4, 15, 16)


def test_warnings_must_be_objects_and_leave_the_model_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is one JSON document, whatever is odd about it."""
    (folder / "compose.yaml").write_text(ODD)
    assert run(["config", "--format", "json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["services"]["web"]["image"] == "nginx"
    told = [json.loads(line) for line in shown.err.splitlines()]
    assert [(each["severity"], each["code"], each["line"]) for each in told] == [
        ("warning", "unset-variable", 2),
        ("warning", "unused-volume", 3),
        ("warning", "unpinned-image", 2),
    ]


def test_advice_must_be_given_by_config_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who starts a project for the hundredth time has read it; what is a mistake is said there too."""
    (folder / "compose.yaml").write_text(ODD)
    assert run(["config", "-q"]) == 0
    assert "no service uses it" in capsys.readouterr().err
    assert run(["--progress", "plain", "up", "--dry-run"]) in (0, 1)
    shown = capsys.readouterr().err
    assert 'The "TAG" variable is not set' in shown
    assert "no service uses it" not in shown


def test_every_key_and_code_must_be_documented(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page lists what a program may meet."""
    page = DOCUMENTED.read_text()
    keys = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    (folder / "compose.yaml").write_text(WRONG)
    run(["config", "--format", "json"])
    assert {key for each in objects(capsys) for key in each} <= keys
    sources = [path.read_text() for path in (DOCUMENTED.parents[1] / "compose" / "loader").glob("*.py")]
    codes = {code for text in sources for code in re.findall(r'code="([a-z0-9-]+)"', text)}
    assert {code for code in codes if f"`{code}`" not in page} == set()
