"""The loader against docker compose's own answers: one test a case of the corpus.

The corpus is not part of this repository. It is looked for beside it (`../shared/conformance`), or
where PYCOMPOSE_SHARED points; its README defines the comparison that is made here.
"""

import argparse
import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from compose.errors import ComposeError, ErrorGroup
from compose.loader.options import LoadOptions
from compose.loader.pipeline import resolve
from compose.loader.project import LoadResult, load
from compose.loader.project_name import locate

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("PYCOMPOSE_SHARED", ROOT.parent / "shared")) / "conformance" / "config"
NAMES = sorted(path.name for path in CORPUS.iterdir()) if CORPUS.is_dir() else []
GOOD = [name for name in NAMES if (CORPUS / name / "expected.json").exists()]
SECONDS_PER_CASE = 10

EXPECTED_FAILURES: dict[str, str] = {}
"""Cases that do not pass, each with its reason; exact: one that passes fails the run."""

OTHER_WORDS = {
    "own-secrets-in-service-int": "services.a.secrets.[0] must be a string or mapping",
}
"""Errors whose words in docker compose are none that a user can do something with, and what is said instead."""

NO_FILE_AT_FAULT = {
    "own-files-compose-file-missing": "the file that COMPOSE_FILE names is not there",
    "own-files-f-directory": "the file that `-f` names is a folder",
    "own-files-missing-f": "the file that `-f` names is not there",
    "own-interp-env-file-flag-missing": "the file that `--env-file` names is not there",
    "own-name-env-upper": "the name is from COMPOSE_PROJECT_NAME",
    "own-name-p-space": "the name is from `-p`",
    "own-select-unknown-service": "the service is named on the command line",
}
"""Errors that are none of a file, with what is at fault."""

SAYS_NOTHING = ("cg-td-empty", "own-files-empty")
"""Files without a line that could be shown."""

NO_NAME = (
    "docker compose shows a variable without a name, which an env file may define, and takes it in no `environment`"
)
NOT_ITS_OWN_YAML = {"own-dotenv-no-name": NO_NAME}
NOT_ITS_OWN_JSON = {
    "cg-blkio-config": "docker compose's JSON says `Path` and `Weight`, and its loader `path` and `weight`",
    "dc-simple-build-test-compose-interpolate": "docker compose's JSON leaves `dockerfile: ''` out",
    "own-blkio": "docker compose's JSON says `Path` and `Weight`, and its loader `path` and `weight`",
    "own-depends-optional-missing-profile": "docker compose's JSON names a service that it does not show",
    "own-dotenv-no-name": NO_NAME,
    "own-yaml-empty-strings": "docker compose's JSON leaves `network_mode: ''` out",
    "own-yaml-x-not-interpolated-keys": "docker compose's JSON doubles `$` in keys, its loader does not halve it",
}
"""Projects that the form does not say completely, each with docker compose's reason. JSON is its own to the byte; YAML
says more where its loader would take another project out of it."""

UNRESOLVED = {
    "interpolate": "--no-interpolate",
    "normalize": "--no-normalize",
    "resolve_paths": "--no-path-resolution",
    "resolve_environment": "--no-env-resolution",
}
CANNOT_STAY_UNRESOLVED = {
    ("own-extends-file-interpolated", "interpolate"): "the file to extend is named by a variable",
    ("own-include-path-interpolated", "interpolate"): "the file to include is named by a variable",
    ("cg-td-compose-test-with-version", "normalize"): "names `default`, which only the normal form defines",
    ("own-networks-map", "normalize"): "names `default`, which only the normal form defines",
    ("own-networks-only-default-mentioned", "normalize"): "names `default`, which only the normal form defines",
    ("pc-multi-env-file-tests-3", "resolve_paths"): "its env files are not where the command runs",
    ("pc-multi-multicompose", "resolve_paths"): "its env files are not where the command runs",
    ("own-dotenv-no-name", "normalize"): NO_NAME,
    ("own-dotenv-no-name", "resolve_paths"): NO_NAME,
}
"""Cases that fail with one of these flags, here and with docker compose."""

LATER_FEATURES = ("extends", "include", "profiles", "!reset", "!override")

pytestmark = pytest.mark.skipif(not NAMES, reason=f"no corpus at {CORPUS}")


@dataclass(frozen=True)
class Case:
    """A case in a fresh copy of its folder."""

    folder: Path
    text: dict[str, object]

    @property
    def expect(self) -> str:
        return str(self.text["expect"])

    def options(self) -> tuple[LoadOptions, list[str]]:
        """What the command line of the case asks the loader for, and the services it names."""
        given = _global_flags().parse_args(self.text["args"])
        own = _config_flags().parse_args(self.text.get("config_args", []))
        stdin = self.text.get("stdin")
        return LoadOptions(
            cwd=os.path.normpath(self.folder / str(self.text.get("cwd", "."))),
            environment={"HOME": "/home/tester", "PATH": "/usr/bin:/bin", **dict(self.text["env"])},
            files=tuple(given.file),
            project_name=given.project_name,
            project_directory=given.project_directory,
            env_files=tuple(given.env_file),
            profiles=tuple(given.profile),
            compatibility=given.compatibility,
            stdin=(self.folder / str(stdin)).read_bytes() if stdin else b"",
            interpolate=not own.no_interpolate,
            normalize=not (own.no_normalize or given.compatibility),
            resolve_paths=not own.no_path_resolution,
            check_consistency=not own.no_consistency,
        ), own.services

    def placed(self, value):
        """The value with the case's folder replaced, keys too."""
        if isinstance(value, str):
            return value.replace(str(self.folder), "${PROJECT_DIR}")
        if isinstance(value, dict):
            return {self.placed(key): self.placed(item) for key, item in value.items()}
        return [self.placed(item) for item in value] if isinstance(value, list) else value


def _global_flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    for flag in ("--file", "--profile", "--env-file"):
        parser.add_argument(flag, *(["-f"] if flag == "--file" else []), action="append", default=[])
    parser.add_argument("-p", "--project-name", default="")
    parser.add_argument("--project-directory", default="")
    parser.add_argument("--compatibility", action="store_true")
    return parser


def _config_flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    for what in ("interpolate", "normalize", "path-resolution", "consistency"):
        parser.add_argument(f"--no-{what}", action="store_true")
    parser.add_argument("services", nargs="*")
    return parser


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in this thread when the time is over."""

    def late(*_: object) -> None:
        raise TimeoutError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def open_case(name: str, tmp_path: Path) -> Case:
    """A copy of the case whose folder keeps its name, because projects are named after it."""
    folder = tmp_path / name
    shutil.copytree(CORPUS / name, folder, symlinks=True)
    return Case(folder, json.loads((folder / "case.json").read_text()))


def check_case(case: Case) -> None:
    """Fail where the loader's answer is not the expected one."""
    options, services = case.options()
    with time_limit(SECONDS_PER_CASE):
        if case.expect == "error":
            with pytest.raises(ComposeError) as caught:
                # Without the models, as `config -q`: they find nothing that the loader has let through.
                resolve(options, services)
            words = OTHER_WORDS.get(str(case.text["name"]), str(case.text["error_contains"]))
            assert words in case.placed(str(caught.value))
            return
        model = json.loads(json.dumps(load(options, services).model, allow_nan=False))
    expected = json.loads((case.folder / "expected.json").read_text())
    assert _comparable(case.placed(model)) == _comparable(expected)


def _comparable(value):
    """Booleans told apart from the numbers that Python takes them for."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in sorted(value.items())}
    return [_comparable(item) for item in value] if isinstance(value, list) else value


def _uses_later_features(name: str) -> bool:
    texts = (path.read_bytes() for path in (CORPUS / name).rglob("*.y*ml"))
    words = [word.encode() for word in LATER_FEATURES]
    arguments = (CORPUS / name / "case.json").read_bytes()
    return any(word in text for text in (*texts, arguments) for word in words)


@pytest.mark.parametrize("name", NAMES)
def test_case_must_load_as_with_docker_compose(name, tmp_path, request):
    """The printed model, or the error, is docker compose's."""
    if name in EXPECTED_FAILURES:
        request.applymarker(pytest.mark.xfail(strict=True, reason=EXPECTED_FAILURES[name]))
    check_case(open_case(name, tmp_path))


def test_failures_must_be_cases_of_the_corpus():
    """The list of known failures holds nothing that the corpus has not."""
    assert set(EXPECTED_FAILURES) <= set(NAMES)


def test_cases_of_the_core_must_all_pass():
    """No case without extends, include, profiles, !reset and !override is excused."""
    assert not [name for name in EXPECTED_FAILURES if not _uses_later_features(name)]


@pytest.mark.parametrize("name", [name for name in NAMES if not (CORPUS / name / "expected.json").exists()])
def test_error_must_show_the_line_at_fault(name, tmp_path):
    """File, line and column, the line as it is in the file, and a part of it to mark; for each error of the case."""
    case = open_case(name, tmp_path)
    options, services = case.options()
    with pytest.raises(ComposeError) as caught:
        load(options, services)
    errors = caught.value.errors if isinstance(caught.value, ErrorGroup) else (caught.value,)
    if name in NO_FILE_AT_FAULT:
        assert [error.span for error in errors] == [None], "take it off the list"
        return
    for error in errors:
        span = error.span
        assert span is not None, error.message
        lines = Path(span.file).read_bytes().decode("utf-8-sig", "replace").splitlines() or [""]
        assert span.text == lines[span.line - 1]
        marked = span.text[span.column - 1 : span.column - 1 + span.length]
        assert len(marked) == span.length or name in SAYS_NOTHING, f"{span} marks {marked!r}"
        assert marked.strip() or name in SAYS_NOTHING, f"{span} marks a blank"


def reloaded(text: str, options: LoadOptions, case: Case) -> LoadResult:
    """What a printed project is, read where its case is, with the same switches."""
    return load(
        replace(
            options,
            cwd=str(case.folder),
            files=("-",),
            stdin=text.encode(),
            project_name="",
            project_directory="",
            env_files=(),
            profiles=("*",),
            keep_unused=True,
        )
    )


def in_json(result: LoadResult) -> str:
    """As `config --format json` prints it."""
    return json.dumps(result.model, ensure_ascii=False)


@pytest.mark.parametrize("name", GOOD)
def test_printed_yaml_must_load_to_itself(name, tmp_path, request):
    """`config` prints a file that is the same project again, and prints the same again."""
    if name in NOT_ITS_OWN_YAML:
        request.applymarker(pytest.mark.xfail(strict=True, reason=NOT_ITS_OWN_YAML[name]))
    case = open_case(name, tmp_path)
    options, services = case.options()
    first = load(options, services)
    again = reloaded(first.yaml, options, case)
    assert again.yaml == first.yaml
    assert again.model == without_dangling_options(first.model)


@pytest.mark.parametrize("name", GOOD)
def test_printed_json_must_load_to_itself(name, tmp_path, request):
    """`config --format json`, as far as docker compose's form of it says everything."""
    if name in NOT_ITS_OWN_JSON:
        request.applymarker(pytest.mark.xfail(strict=True, reason=NOT_ITS_OWN_JSON[name]))
    case = open_case(name, tmp_path)
    options, services = case.options()
    first = load(options, services)
    assert in_json(reloaded(in_json(first), options, case)) == in_json(first)


@pytest.mark.parametrize("switch", UNRESOLVED)
@pytest.mark.parametrize("name", GOOD)
def test_an_unresolved_form_must_load_to_itself(name, switch, tmp_path, request):
    """`config --no-…` prints a file that prints the same again."""
    if (name, switch) in CANNOT_STAY_UNRESOLVED:
        request.applymarker(pytest.mark.xfail(strict=True, reason=CANNOT_STAY_UNRESOLVED[name, switch]))
    case = open_case(name, tmp_path)
    options, services = case.options()
    options = replace(options, **{switch: False})
    first = load(options, services)
    again = reloaded(first.yaml, options, case)
    assert again.yaml == first.yaml


def without_dangling_options(model):
    """The model without optional dependencies on services that it does not show: YAML leaves them out."""
    shown = json.loads(json.dumps(model))
    for service in shown["services"].values():
        service["depends_on"] = {
            key: item for key, item in service.get("depends_on", {}).items() if key in shown["services"]
        }
        if not service["depends_on"]:
            del service["depends_on"]
    return shown


@pytest.mark.parametrize("name", GOOD)
def test_name_must_be_found_without_loading(name, tmp_path):
    """`ps` and `up` speak of the same project."""
    options, services = open_case(name, tmp_path).options()
    assert locate(options).name == load(options, services).model["name"]
