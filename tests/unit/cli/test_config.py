"""`config`: lists for scripts, combinations of flags, and where a value comes from."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from compose.cli import checked
from compose.cli.arguments.config import add_arguments
from compose.cli.main import run
from compose.cli.parser import Parser
from tests.support.cli import Cli

PROJECT = """\
name: shop
include: [tools/compose.yaml]
services:
  web:
    image: web:${TAG:-${BASE}2}
    environment: {A: "${REQ:?needed}", B: "${ALT+other}"}
    depends_on: [api]
    volumes: ["${WHERE:-data}:/data"]
  api: {image: "api:${TAG:-1}", networks: [back], models: [llm]}
  job: {build: ., profiles: [night]}
networks: {back: , unused: }
volumes: {data: , other: }
models: {llm: {model: ai/small}}
"""
TOOLS = "services: {tool: {image: 'tool:${INNER}'}}\n"

Config = Callable[..., tuple[int, str, str]]
HEEDED_BY_A_CHECK = frozenset({"no_consistency", "no_env_resolution", "no_normalize", "no_path_resolution", "quiet"})


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Config:
    """Run `config` on the project, in this process; returns exit code, output, errors."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "compose.yaml").write_text(TOOLS)
    (tmp_path / "tools" / ".env").write_text("# of the tools\nINNER=7\n")
    (tmp_path / "compose.yaml").write_text(PROJECT)
    (tmp_path / ".env").write_text("REQ='two\nlines'\nBASE=v\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHELL_ONLY", "x")

    def run_config(*arguments: str, before: tuple[str, ...] = ()) -> tuple[int, str, str]:
        code = run([*before, "config", *arguments])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run_config


@pytest.mark.parametrize(
    ("flags", "lines"),
    [
        (["--services", "nope"], ["api", "tool", "web"]),
        (["--services", "--volumes", "--images"], ["api", "tool", "web"]),
        (["--images", "--volumes"], ["data"]),
        (["--images", "api"], ["api:1"]),
        (["--images", "-q", "api"], ["api:1"]),
        (["--models"], ["ai/small"]),
        (["--networks"], ["back", "default"]),
        (["--networks", "--no-normalize"], ["back"]),
        (["--services", "--format", "xml"], ["api", "tool", "web"]),
        (["--images", "--no-interpolate", "api"], ["api:${TAG:-1}"]),
        (["--networks", "--no-interpolate"], ["back", "default"]),
    ],
)
def test_a_list_must_be_the_one_docker_compose_prints(config: Config, flags: list[str], lines: list[str]) -> None:
    """The first list in its order wins; services named narrow images and profiles only; `-q` silences no list."""
    code, out, _ = config(*flags)
    assert (code, out.splitlines()) == (0, lines)


def test_services_must_be_listed_although_a_required_variable_is_missing(config: Config, tmp_path: Path) -> None:
    """`--services --no-interpolate`, as a CI script asks before it has the secrets."""
    (tmp_path / ".env").unlink()
    assert config("--services")[0] == 15
    code, out, err = config("--services", "--no-interpolate")
    assert (code, out.splitlines(), err) == (0, ["api", "tool", "web"], "")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--profiles", "nope"], "no such service: nope"),
        (["--images", "ap"], "did you mean `api`?"),
        (["--hash", "web,ap"], "did you mean `api`?"),
        (
            ["--hash", "job"],
            "no such service: job: disabled\nhint: `job` is disabled; it can be enabled by `--profile night`",
        ),
        (["-q", "nope"], "no such service: nope"),
        (["--format", "xml"], 'unsupported format "xml"'),
        (["--variables", "--format", "xml"], 'unsupported format "xml"'),
        (["-o", "none/out.yaml"], "open none/out.yaml: no such file or directory"),
        (["-o", "."], "open .: is a directory"),
    ],
)
def test_what_cannot_be_done_must_be_said_and_exit_with_1(config: Config, flags: list[str], message: str) -> None:
    """docker compose's exit code, and a hint."""
    code, out, err = config(*flags)
    assert (code, out) == (1, "")
    assert message in err


def test_hashes_must_be_sorted_and_the_same_however_they_are_asked_for(config: Config) -> None:
    """`--hash web,api` is the lines of `--hash '*'`; other flags change no hash."""
    every = config("--hash", "*")[1].splitlines()
    assert [line.split()[0] for line in every] == ["api", "tool", "web"]
    assert config("--hash", "web,api,web")[1].splitlines() == [every[0], every[2]]
    assert config("--hash", "*", "--no-interpolate", "-q")[1].splitlines() == every


def test_a_list_must_go_to_a_file_too(config: Config, tmp_path: Path) -> None:
    """`-o` is no less true of a list than of the model."""
    assert config("--services", "-o", "names")[1] == ""
    assert (tmp_path / "names").read_text() == "api\ntool\nweb\n"


def test_named_services_must_be_told_to_be_no_filter_without_interpolation(config: Config) -> None:
    """The whole model is shown, and nobody should think otherwise."""
    code, out, err = config("--no-interpolate", "api")
    assert code == 0
    assert "web:${TAG" in out
    assert "the services named do not count beside `--no-interpolate`" in err


def test_a_variable_must_be_told_with_the_line_it_was_set_on(config: Config, tmp_path: Path) -> None:
    """Env file and line, default in the Compose file, the shell, an included project's own file; JSON's keys are
    docker compose's, with value and source beside them."""
    rows = json.loads(config("--variables", "--format", "json")[1])
    assert rows["REQ"] == {
        "Name": "REQ",
        "DefaultValue": "",
        "PresenceValue": "",
        "Required": True,
        "Value": "two\nlines",
        "Source": f"{tmp_path}/.env:1",
    }
    assert rows["ALT"]["PresenceValue"] == "other"
    found = {name: (row["Value"], row["Source"]) for name, row in rows.items()}
    assert found["BASE"] == ("v", f"{tmp_path}/.env:3")
    assert found["INNER"] == ("7", f"{tmp_path}/tools/.env:2")
    assert found["WHERE"] == ("data", f"{tmp_path}/compose.yaml:8")
    assert found["TAG"] == ("v2", f"{tmp_path}/compose.yaml:5")
    assert found["ALT"] == ("", "")


@pytest.mark.parametrize(
    ("before", "source"), [((), "{}/compose.yaml:1"), (("-p", "other"), "-p")], ids=["name", "flag"]
)
def test_the_projects_name_must_be_told_with_where_it_comes_from(
    config: Config, tmp_path: Path, before: tuple[str, ...], source: str
) -> None:
    """COMPOSE_PROJECT_NAME is computed; `--environment --format json` says from what."""
    found = json.loads(config("--environment", "--format", "json", before=before)[1])
    assert found["COMPOSE_PROJECT_NAME"]["Source"] == source.format(tmp_path)
    assert found["SHELL_ONLY"] == {"Value": "x", "Source": "shell"}
    assert found["BASE"] == {"Value": "v", "Source": f"{tmp_path}/.env:3"}


def test_places_must_be_shown_on_a_terminal_and_not_to_a_script(config: Config, tmp_path: Path) -> None:
    """A script reads docker compose's `NAME=value` and its four columns; a person sees more."""
    (tmp_path / ".env").write_text("REQ=1\nBASE=v\n")
    assert "BASE=v" in config("--environment")[1].splitlines()
    assert config("--variables")[1].splitlines()[0].split()[-2:] == ["ALTERNATE", "VALUE"]
    with Cli(tmp_path).on_terminal("config", "--environment") as terminal:
        assert f"BASE=v  # {tmp_path}/.env:2" in terminal.wait_for("TERM=")
        assert terminal.wait() == 0
    with Cli(tmp_path).on_terminal("config", "--variables") as terminal:
        assert terminal.wait() == 0
        assert terminal.shown.splitlines()[0].split()[-2:] == ["VALUE", "SOURCE"]


def test_pwd_must_be_known_although_the_shell_does_not_set_it(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cron and systemd do not; docker compose fills it in."""
    monkeypatch.delenv("PWD", raising=False)
    assert f"PWD={tmp_path}" in config("--environment")[1].splitlines()


def test_quiet_must_check_without_printing_and_say_what_is_wrong(config: Config, tmp_path: Path) -> None:
    """Also with a format, with services named, and with what is not to be checked."""
    assert config("-q")[:2] == (0, "")
    assert config("-q", "--format", "json", "web")[:2] == (0, "")
    (tmp_path / "compose.yaml").write_text("services: {web: {image: web, volumes: ['data:/data']}}\n")
    code, output, errors = config("-q")
    assert (code, output) == (15, "")
    assert "undefined volume data" in errors
    assert config("-q", "--no-consistency")[:2] == (0, "")
    assert "no such service: nope" in config("-q", "--no-consistency", "nope")[2]


def test_every_flag_that_prints_must_print_beside_quiet_too() -> None:
    """A new flag of `config` has to be heeded by the check, or end it."""
    parser = Parser("config", usage="", summary="")
    add_arguments(parser)
    for action in parser._actions:
        if action.option_strings and action.dest not in {"help", "format", *HEEDED_BY_A_CHECK}:
            assert action.dest in checked.PRINTING, action.dest


def test_a_variable_that_is_not_set_must_be_told_beside_the_error_that_comes_of_it(config: Config) -> None:
    """The error alone, of a service without an image, would not name the variable."""
    Path("compose.yaml").write_text("services: {web: {image: '${IMAGE}'}}\n")
    code, _, err = config("-q")
    assert code == 15
    assert err.index('The "IMAGE" variable is not set') < err.index("has neither an image nor a build context")
