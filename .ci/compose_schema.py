"""The JSON Schema of Compose files: `python .ci/compose_schema.py > schemas/compose-spec.json`, or `make schema`.

What may be written comes from the loader's own tables (compose/loader/schema*.py), so editors and the loader
agree; what editors say of it comes from the docstrings of the models (schemas/composefile). Draft 7 is what
all editors read.

The tables see the merged model after variables and tags are gone, an editor sees one file before. So a text with a
variable may stand wherever the loader casts one, what an editor makes of `!reset null` (the text `null`)
wherever an attribute may stand; nothing is required that another file may add, and items may
come twice where the loader keeps the last.
"""

import ast
import inspect
import json
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from compose.loader import merge, schema, schema_service  # noqa: E402 - the path has to be set first
from compose.loader.interpolation import CASTS  # noqa: E402
from compose.loader.shapes import Keys, ListOf, Names, OneOf, Scalar, Shape  # noqa: E402
from compose.loader.tree_path import Branch  # noqa: E402
from compose.loader.unicity import UNIQUE  # noqa: E402
from schemas.composefile.base import Model  # noqa: E402
from schemas.composefile.project import Project  # noqa: E402

WRITTEN_ONLY = {
    "version": "Obsolete: it means nothing.",
    "include": "Compose files that are loaded as projects of their own, with their own folder and `.env`, and added.",
    "include.*.path": "The file, or several that are merged; relative to the project's folder.",
    "include.*.project_directory": "The folder from which its paths resolve; that of the file unless set.",
    "include.*.env_file": "Files with variables; `.env` in its folder unless set.",
    "services.*.extends": "A service that this one takes everything from that it does not say itself.",
    "services.*.extends.file": "The file of that service; this one unless set.",
    "services.*.extends.service": "Its name.",
    "services.*.label_file": "Files with labels; `labels` wins over them.",
    "networks.*.external.name": "Obsolete: `name` beside `external: true` says it.",
    "volumes.*.external.name": "Obsolete: `name` beside `external: true` says it.",
    "secrets.*.external.name": "Obsolete: `name` beside `external: true` says it.",
    "configs.*.external.name": "Obsolete: `name` beside `external: true` says it.",
}
"""Attributes that are gone before there is a model, and what they are."""

PLACED = (schema_service.COMPOSE_FILE, schema.SET, schema.TEXT_OR_LIST, schema.LIST_OR_MAPPING, schema.ULIMITS)
"""Tables that are written out, because what the loader does with them depends on the place."""

DEFINITIONS = {
    id(shape): name.strip("_").lower()
    for module in (schema, schema_service)
    for name, shape in vars(module).items()
    if isinstance(shape, Keys | ListOf | Names | OneOf) and shape not in PLACED
}
"""A table with a name becomes a definition with that name."""

RESET = {"$ref": "#/definitions/reset"}
VARIABLE = {"$ref": "#/definitions/variable"}
FIXED: dict[str, dict[str, Any]] = {
    "reset": {"$comment": "`!reset null` takes away what other files say", "type": "string", "pattern": "^(null)?$"},
    "variable": {"$comment": "A text with a variable", "type": "string", "pattern": "\\$"},
}

ITEM = "[]"
Path_ = tuple[str, ...]


def compose_file() -> dict[str, Any]:
    """Return the whole document."""
    return Writer().document()


class Writer:
    """Walks down tables and models together; fills the definitions on the way."""

    def __init__(self) -> None:
        self._definitions: dict[str, dict[str, Any]] = dict(FIXED)

    def document(self) -> dict[str, Any]:
        """Return the schema with all definitions."""
        body = self._written(schema_service.COMPOSE_FILE, Project, ())
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$comment": "Made by `make schema`; do not edit.",
            **body,
            "title": "Compose file",
            "definitions": dict(sorted(self._definitions.items())),
        }

    def _shape(self, shape: Shape, model: type[Model] | None, path: Path_) -> dict[str, Any]:
        name = DEFINITIONS.get(id(shape))
        if name is None:
            return self._written(shape, model, path)
        if name not in self._definitions:
            self._definitions[name] = self._written(shape, model, path)
        return {"$ref": f"#/definitions/{name}"}

    def _written(self, shape: Shape, model: type[Model] | None, path: Path_) -> dict[str, Any]:
        match shape:
            case Scalar():
                return _scalar(shape, path)
            case ListOf():
                unique = {"uniqueItems": True} if shape.unique and rule_at(UNIQUE, path) is None else {}
                return {"type": "array", "items": self._shape(shape.item, model, (*path, ITEM)), **unique}
            case Keys():
                return self._keys(shape, model, path)
            case Names():
                item = _resettable(self._shape(shape.item, model, (*path, "*")), shape.item)
                if not shape.closed:
                    return {"type": "object", "additionalProperties": item}
                return {
                    "type": "object",
                    "patternProperties": {shape.pattern.pattern: item},
                    "additionalProperties": False,
                }
            case OneOf():
                return {"anyOf": [self._shape(each, model, path) for each in shape.shapes]}

    def _keys(self, shape: Keys, model: type[Model] | None, path: Path_) -> dict[str, Any]:
        types = ["object", *(["null"] if shape.nullable else []), *shape.extra_types]
        result: dict[str, Any] = {"type": types if len(types) > 1 else "object"}
        if model is not None and path[-1:] in (("*",), (ITEM,)):
            result["description"] = _first_line(inspect.getdoc(model) or "")
        result["properties"] = {
            key: self._attribute(key, item, model, (*path, key)) for key, item in shape.keys.items()
        }
        if shape.required and is_whole(path):
            result["required"] = list(shape.required)
        if shape.extensible:
            result["patternProperties"] = {"^x-": {}}
        return {**result, "additionalProperties": not shape.closed}

    def _attribute(self, key: str, shape: Shape, model: type[Model] | None, path: Path_) -> dict[str, Any]:
        below = model_of(model.model_fields[key].annotation) if model and key in model.model_fields else None
        text = WRITTEN_ONLY.get(".".join(path).replace(ITEM, "*")) or (descriptions(model)[key] if model else "")
        result = _resettable(self._shape(shape, below, path), shape)
        deprecated = {"deprecated": True} if text.startswith("Obsolete") else {}
        return {**({"description": text} if text else {}), **deprecated, **result}


def _scalar(shape: Scalar, path: Path_) -> dict[str, Any]:
    limits = {"minimum": shape.minimum, "maximum": shape.maximum}
    result: dict[str, Any] = {"type": list(shape.types) if len(shape.types) > 1 else shape.types[0]}
    result |= {key: value for key, value in limits.items() if value is not None}
    if "string" not in shape.types:
        return {"anyOf": [result, VARIABLE]} if rule_at(CASTS, path) else result
    if not shape.choices and shape.pattern is None:
        return result
    pattern = [{"type": "string", "pattern": shape.pattern.pattern}] if shape.pattern else []
    choices = [{"enum": list(shape.choices)}] if shape.choices else []
    return {"anyOf": [*choices, *pattern, VARIABLE]}


def _resettable(result: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """An attribute that may be taken away; where any text may stand, so may this one."""
    if takes_any_text(shape):
        return result
    return {"anyOf": [*result["anyOf"], RESET]} if set(result) == {"anyOf"} else {"anyOf": [result, RESET]}


def takes_any_text(shape: Shape) -> bool:
    """Tell whether nothing about a text is checked."""
    match shape:
        case Scalar():
            return "string" in shape.types and not shape.choices and shape.pattern is None
        case OneOf():
            return any(map(takes_any_text, shape.shapes))
        case Keys():
            return "string" in shape.extra_types
        case _:
            return False


def rule_at(rules: Branch[Any], path: Path_) -> Any:
    """Return the rule of one of the loader's tables for a place."""
    branch: Branch[Any] | None = rules
    for part in path:
        branch = branch and (branch.wildcard if part == ITEM else branch.below(part))
    return branch and branch.rule


def is_whole(path: Path_) -> bool:
    """Tell whether a mapping cannot be completed by another file."""
    return path[-1] == ITEM or rule_at(merge.MERGERS, path) is merge.replace


def model_of(annotation: object) -> type[Model] | None:
    """Return the model in an annotation: `tuple[PortConfig, ...]`, `Frozen[str, ServiceNetwork | None]`."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    return next(filter(None, map(model_of, get_args(annotation))), None)


@cache
def descriptions(model: type[Model]) -> dict[str, str]:
    """Return the docstrings of a model's fields."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(model)).body if isinstance(node, ast.ClassDef))
    found = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match text:
                case ast.Expr(value=ast.Constant(value=str(words))):
                    found[field.target.id] = inspect.cleandoc(words)
    return found


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(compose_file(), indent=2, ensure_ascii=False) + "\n")
