"""Which files and variables make the project; its name, with and without loading it."""

import subprocess
import sys

import pytest

from compose.errors import ComposeError, ProjectError
from compose.loader.discovery import discover
from compose.loader.project import load
from compose.loader.project_name import locate
from compose.naming import container_name, image_name, normalize_project_name, require_project_name
from tests.support.sources import ROOT
from tests.unit.loader.memory import FOLDER, options

A = "services: {a: {image: i}}\n"


def files(given, environment=None, /, **more) -> list[str]:
    return discover(options(given, environment, **more)).files


def test_default_names_must_be_tried_in_order():
    """compose.yaml first; the others are warned of."""
    found = discover(options({"docker-compose.yml": A, "compose.yaml": A}))
    assert found.files == [f"{FOLDER}/compose.yaml"]
    assert found.warnings[0].message.startswith("Found multiple config files with supported names:")


def test_override_file_must_be_added_to_a_default_file_only():
    """Not to one that `-f` names."""
    given = {"compose.yaml": A, "compose.override.yml": A, "other.yaml": A}
    assert files(given) == [f"{FOLDER}/compose.yaml", f"{FOLDER}/compose.override.yml"]
    assert files(given, files=("other.yaml",)) == [f"{FOLDER}/other.yaml"]


def test_parents_must_be_searched():
    """From a folder of the project, its project is found."""
    found = discover(options({"/srv/compose.yaml": A}))
    assert (found.files, found.working_dir) == (["/srv/compose.yaml"], "/srv")


def test_compose_file_must_be_split_at_its_separator():
    """From the shell or from .env."""
    given = {"a.yaml": A, "b.yaml": A, ".env": "COMPOSE_FILE=a.yaml;b.yaml\nCOMPOSE_PATH_SEPARATOR=;\n"}
    both = [f"{FOLDER}/a.yaml", f"{FOLDER}/b.yaml"]
    assert files(given) == both
    assert files({"a.yaml": A, "b.yaml": A}, {"COMPOSE_FILE": "a.yaml:b.yaml"}) == both


def test_standard_input_must_resolve_from_the_current_folder():
    """`-f -`."""
    result = load(options({}, files=("-",), stdin=b"services: {a: {build: ./x}}\n"))
    assert result.project.services["a"].build is not None
    assert result.project.services["a"].build.context == f"{FOLDER}/x"


def test_shell_must_beat_env_files_and_later_files_earlier_ones():
    """Where a variable comes from is known."""
    given = {"compose.yaml": A, "one.env": "A=1\nB=1\nC=1\n", "two.env": "B=2\nC=2\n"}
    found = discover(options(given, {"C": "shell"}, env_files=("one.env", "two.env")))
    assert [found.variables[name] for name in "ABC"] == ["1", "2", "shell"]
    assert found.origins["B"] == f"{FOLDER}/two.env:1"


def test_env_file_must_be_given_up_for_others_or_on_demand():
    """--env-file, COMPOSE_ENV_FILES and COMPOSE_DISABLE_ENV_FILE."""
    given = {"compose.yaml": A, ".env": "A=1\n", "other.env": "B=1\n"}
    assert "A" not in discover(options(given, env_files=("other.env",))).variables
    assert "A" not in discover(options(given, {"COMPOSE_ENV_FILES": "other.env"})).variables
    assert "A" not in discover(options(given, {"COMPOSE_DISABLE_ENV_FILE": "1"})).variables


def test_missing_env_file_must_be_refused():
    """One that was asked for."""
    with pytest.raises(ProjectError, match="Couldn't find env file: /srv/shop/nope"):
        discover(options({"compose.yaml": A}, env_files=("nope",)))


@pytest.mark.parametrize(
    ("given", "more", "name"),
    [
        ({"compose.yaml": A}, {}, "shop"),
        ({"compose.yaml": f"name: My Shop.v2\n{A}"}, {}, "myshopv2"),
        ({"compose.yaml": f"  name: x1\n  {A}"}, {}, "x1"),
        ({"compose.yaml": f"name: 'a' # comment\n{A}"}, {}, "a"),
        ({"compose.yaml": f'"name": "a\\u0062c"\n{A}'}, {}, "abc"),
        ({"compose.yaml": f"name: &n !!str abc\n{A}"}, {}, "abc"),
        ({"compose.yaml": '{"name": "j", "services": {"a": {"image": "i"}}}'}, {}, "j"),
        ({"compose.yaml": f"name: ${{N:-dflt}}\n{A}"}, {}, "dflt"),
        ({"compose.yaml": f"{A}\nx-a:\n  name: no\n"}, {}, "shop"),
        ({"compose.yaml": f"name: one\n{A}", "compose.override.yaml": "name: two\n"}, {}, "two"),
        ({"compose.yaml": f"name: one\n{A}", ".env": "COMPOSE_PROJECT_NAME=env\n"}, {}, "env"),
        ({"compose.yaml": f"name: one\n{A}"}, {"project_name": "flag"}, "flag"),
        ({"sub/compose.yaml": A}, {"files": ("sub/compose.yaml",)}, "sub"),
        ({"sub/compose.yaml": A}, {"files": ("sub/compose.yaml",), "project_directory": "."}, "shop"),
        ({"compose.yaml": f"\ufeff# c\n---\nname: bom\n{A}"}, {}, "bom"),
        ({"compose.yaml": f"name: win\r\n{A}"}, {}, "win"),
    ],
)
def test_name_must_be_the_same_with_and_without_loading(given, more, name):
    """-p, COMPOSE_PROJECT_NAME, the last `name:`, the folder."""
    assert locate(options(given, **more)).name == name
    assert load(options(given, **more)).project.name == name


@pytest.mark.parametrize(
    "written", [">\n  folded", "|\n  literal", "*alias", "two\n  lines", "'two\n  lines'", "'two\nlines'"]
)
def test_name_that_only_a_parser_understands_must_be_refused_by_the_fast_way(written):
    """It says what would do, instead of guessing."""
    with pytest.raises(ProjectError) as caught:
        locate(options({"compose.yaml": f"name: {written}\n{A}"}))
    assert "-p" in caught.value.hint


def test_given_name_must_need_no_file():
    """`pycompose -p shop ps` works anywhere."""
    assert locate(options({}, project_name="any")).name == "any"


@pytest.mark.parametrize("name", ["UPPER", "a b", "-a", "a.b"])
def test_given_name_must_be_valid_as_it_stands(name):
    """Only names of files and folders are normalised."""
    with pytest.raises(ComposeError, match="invalid project name") as caught:
        locate(options({"compose.yaml": A}, project_name=name))
    assert caught.value.exit_code == 1


def test_folder_without_a_letter_must_ask_for_a_name():
    """`___` gives no name; docker compose ends with 15."""
    with pytest.raises(ProjectError, match="project name must not be empty") as caught:
        locate(options({"/___/compose.yaml": A}, files=("/___/compose.yaml",)))
    assert caught.value.exit_code == 15


def test_name_must_be_in_reach_of_the_files():
    """As COMPOSE_PROJECT_NAME."""
    result = load(options({"compose.yaml": "services: {a: {image: 'i:${COMPOSE_PROJECT_NAME}'}}\n"}))
    assert result.project.services["a"].image == "i:shop"


def test_names_must_be_docker_composes():
    """Containers and images; the old style with underscores."""
    assert normalize_project_name("_My Project.v2") == "myprojectv2"
    assert require_project_name("a-b_1") == "a-b_1"
    assert container_name("p", "s", 1) == "p-s-1"
    assert container_name("p", "s", 1, compatibility=True) == "p_s_1"
    assert image_name("p", "s") == "p-s"


def test_fast_way_must_import_neither_yaml_nor_pydantic():
    """`ps` must not wait for what it does not use."""
    script = (
        "import sys, compose.cli.location\n"
        "heavy = {'yaml', 'pydantic', 'networkx', 'rich', 'pyroute2', 'asyncio'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
