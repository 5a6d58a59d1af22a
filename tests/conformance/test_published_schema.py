"""The published JSON Schema on the corpus: what docker compose loads is valid, what has a wrong shape is not."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from compose.errors import ComposeError
from compose.loader.places import Source
from compose.loader.problem import Problem
from compose.loader.project import load
from compose.loader.yaml_source import read_documents
from tests.conformance.test_corpus import CORPUS, NAMES, open_case
from tests.support.compose_schema import generator

OVERLOOKED = {
    **dict.fromkeys(
        ("cg-extends", "cg-extends-port", "cg-extends-relative-path", "cg-extends-ulimits"),
        "the file that is extended has a service without a body, which is not looked at",
    ),
    "own-extends-unknown-key": "docker compose overlooks unknown keys of `extends`",
    "own-include-unknown-key": "docker compose overlooks unknown keys of `include`",
}
"""Cases that load and yet are marked by an editor, each with the reason."""

IN_ANOTHER_FILE = {
    "own-new-models-no-model": "another file may add the missing attribute",
    "own-new-provider-no-type": "another file may add the missing attribute",
}
"""Wrong shapes that a look at one file cannot tell, each with the reason."""

SHAPE = re.compile(
    r"(?<!container name) must be (a |an |one of|unique|greater|less)|is not allowed|Does not match pattern"
    r"|\w+ is required$"
)
TELLS_A_VALUE = re.compile(r"replicas|scale|target is required")
"""Errors that read like those of shape, and are of other stages."""

pytestmark = pytest.mark.skipif(not NAMES, reason=f"no corpus at {CORPUS}")


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    return Draft7Validator(generator().compose_file())


def errors_of(schema, file: Path) -> list[str]:
    """The schema's complaints about a file, `!override` read as plain, what has `!reset` as absent."""
    try:
        documents = read_documents(Source(str(file), ""), file.read_bytes())
    except (ComposeError, Problem):
        return []
    return [error.message for document in documents for error in schema.iter_errors(document.tree)]


@pytest.mark.parametrize("name", [name for name in NAMES if (CORPUS / name / "expected.json").exists()])
def test_a_file_that_loads_must_be_valid(name, tmp_path, schema, request):
    """Editors mark nothing in files that work."""
    if name in OVERLOOKED:
        request.applymarker(pytest.mark.xfail(strict=True, reason=OVERLOOKED[name]))
    case = open_case(name, tmp_path)
    options, services = case.options()
    files = [source.file for source in load(options, services).sources.sources]
    assert [error for file in files if file != "-" for error in errors_of(schema, Path(file))] == []


def of_shape(name: str) -> bool:
    text = json.loads((CORPUS / name / "case.json").read_text()).get("error_contains", "")
    return bool(SHAPE.search(text)) and not TELLS_A_VALUE.search(text)


@pytest.mark.parametrize("name", [name for name in NAMES if of_shape(name)])
def test_a_file_of_the_wrong_shape_must_be_invalid(name, tmp_path, schema, request):
    """Editors mark it before it is loaded."""
    if name in IN_ANOTHER_FILE:
        request.applymarker(pytest.mark.xfail(strict=True, reason=IN_ANOTHER_FILE[name]))
    folder = open_case(name, tmp_path).folder
    assert [error for file in sorted(folder.rglob("*.y*ml")) for error in errors_of(schema, file)] != []
