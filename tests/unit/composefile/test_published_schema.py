"""What editors know of Compose files is what the loader knows, and the models."""

import json

import pytest
from jsonschema import Draft7Validator

from compose.loader.schema_service import COMPOSE_FILE
from compose.loader.shapes import Keys, ListOf, Names, OneOf
from schemas.composefile.base import Model
from schemas.composefile.project import Project
from tests.support.compose_schema import PUBLISHED, generator

RESOLVED_ONLY = {
    "Project": {
        "disabled_services",
        "working_dir",
        "compose_files",
        "environment",
        "environment_files",
        "profiles",
        "compatibility",
    },
    "ServiceConfig": {"name"},
    "Ulimit": {"single"},
}
"""Fields of the models that nobody writes."""


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    return Draft7Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))


def attributes(shape, model, path=()):
    """Yield each attribute's path, and the model that it is in."""
    match shape:
        case Keys(keys=keys):
            for key, below in keys.items():
                yield (*path, key), model
                field = model and model.model_fields.get(key)
                yield from attributes(below, generator().model_of(field.annotation) if field else None, (*path, key))
        case ListOf(item=item) | Names(item=item):
            yield from attributes(item, model, (*path, "*"))
        case OneOf(shapes=shapes):
            for each in shapes:
                yield from attributes(each, model, path)


def written() -> dict[str, type[Model] | None]:
    return {".".join(path): model for path, model in attributes(COMPOSE_FILE, Project)}


def test_the_published_schema_must_be_in_step():
    """Whoever changes an attribute or its docstring runs `make schema`."""
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == generator().compose_file(), "run `make schema`"


def test_the_published_schema_must_be_a_schema(schema):
    """Of the draft that it says it is."""
    Draft7Validator.check_schema(schema.schema)


def test_models_must_have_every_attribute_that_may_be_written():
    """But for those that the loader resolves, which are named."""
    gone = {path for path, model in written().items() if model and path.split(".")[-1] not in model.model_fields}
    of_no_model = {path for path, model in written().items() if model is None}
    assert {path for path in gone | of_no_model if path not in generator().WRITTEN_ONLY} == set()
    assert set(generator().WRITTEN_ONLY) == gone | of_no_model


def test_every_field_of_the_models_must_be_an_attribute_that_may_be_written():
    """But for what the loader adds, which is named."""
    known: dict[str, set[str]] = {}
    models: dict[str, type[Model]] = {}
    for path, model in written().items():
        if model:
            models[model.__name__] = model
            known.setdefault(model.__name__, set()).add(path.split(".")[-1])
    missing = {name: set(models[name].model_fields) - keys for name, keys in known.items()}
    assert {name: fields for name, fields in missing.items() if fields} == RESOLVED_ONLY


def test_every_attribute_must_be_described():
    """An editor says something of each."""
    undescribed = [
        path
        for path, model in written().items()
        if path not in generator().WRITTEN_ONLY and not generator().descriptions(model).get(path.split(".")[-1])
    ]
    assert undescribed == []


@pytest.mark.parametrize(
    "service",
    [
        {"image": "i", "ports": [80, "8080:80", {"target": 80}], "x-own": [1], "build": "."},
        {"depends_on": {"db": {"condition": "service_healthy", "required": "${REQUIRED:-true}"}}},
        {"depends_on": {"db": {"restart": True}}},
        {"pull_policy": "every_12h", "scale": "${N}", "deploy": None, "networks": {"a": None}},
        {
            "pull_policy": "${POLICY}",
            "restart": "null",
            "ports": "null",
            "healthcheck": "",
            "environment": {"A": "null"},
        },
        {"cap_add": ["A", "A"], "environment": ["A=1", "A=1"], "tmpfs": "/run", "command": None},
    ],
)
def test_what_may_be_written_must_be_valid(schema, service):
    """Short forms, variables, `!reset null` as editors read it, parts of an override, items that are merged."""
    assert list(schema.iter_errors({"services": {"web": service}})) == []


@pytest.mark.parametrize(
    "service",
    [
        {"imgae": "i"},
        {"ports": None},
        {"ports": "80"},
        {"pull_policy": "sometimes"},
        {"oom_score_adj": 1001},
        {"volumes": [{"source": "a"}]},
        {"depends_on": {"db": {"required": "maybe"}}},
        {"depends_on": ["a", "a"]},
        {"healthcheck": {"interval": 3}},
        {"ulimits": {"nofile": {"soft": 1}}},
    ],
)
def test_what_the_loader_refuses_must_be_invalid(schema, service):
    """The shape, that is; what only a look at the value tells is left to the loader."""
    assert not schema.is_valid({"services": {"web": service}})


def test_an_obsolete_attribute_must_be_marked(schema):
    """Editors strike it through."""
    assert schema.schema["properties"]["version"]["deprecated"] is True
