"""The part of Go templates that `--format` is used with: fields, `json`, `upper`, `lower`, `len`, `index`, text."""

import json
import re
from collections.abc import Mapping, Sequence

from compose.errors import ProjectError
from compose.render.table import table

_ACTION = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_FIELD = re.compile(r"(?:(json|upper|lower|println|len)\s+)?(\.(?:[A-Za-z]+(?:\.[A-Za-z]+)*)?)$")
_INDEX = re.compile(r"index\s+(\.[A-Za-z.]+)\s+(?:([0-9]+)|\"([^\"]*)\")$")
_ESCAPES = {r"\t": "\t", r"\n": "\n"}


def formatted(template: str, rows: Sequence[Mapping[str, object]]) -> str:
    """Return one line for each row; `table TEMPLATE` aligns them under the fields' names.

    Raises ProjectError for a field that no row can have and for what is not of the subset.
    """
    is_table = template.startswith("table ")
    pattern = template.removeprefix("table ")
    for escape, character in _ESCAPES.items():
        pattern = pattern.replace(escape, character)
    lines = [_ACTION.sub(lambda match, row=row: _value(match[1], row), pattern) for row in rows]  # type: ignore[misc]
    if not is_table:
        return "".join(f"{line}\n" for line in lines)
    heading = _ACTION.sub(lambda match: _heading(match[1]), pattern)
    return table([line.split("\t") for line in (heading, *lines)])


def _value(expression: str, row: Mapping[str, object]) -> str:
    if match := _INDEX.match(expression):
        return _text(_element(_field(match[1].removeprefix("."), row), match[2], match[3]))
    function, name = _parse(expression)
    value = _field(name, row) if name else row
    if function == "json":
        return json.dumps(value, ensure_ascii=False)
    if function == "len":
        return str(len(value)) if isinstance(value, str | list | dict) else "0"
    text = _text(value)
    return {"upper": text.upper, "lower": text.lower}.get(function, lambda: text)()


def _field(name: str, row: Mapping[str, object]) -> object:
    """Return a field, or with dots one within another. Raises ProjectError."""
    value: object = row
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            known = ", ".join(value) if isinstance(value, Mapping) else "none below it"
            raise ProjectError(f"`--format`: no field `{part}`", hint=f"there are {known}")
        value = value[part]
    return value


def _element(value: object, position: str | None, key: str) -> object:
    if isinstance(value, Mapping):
        return value.get(key, "")
    if isinstance(value, Sequence) and position is not None and int(position) < len(value):
        return value[int(position)]
    raise ProjectError(f"`--format`: there is no element {position or key!r}")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _heading(expression: str) -> str:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*", _parse(expression)[1].rpartition(".")[2])
    return {"RUNNING FOR": "CREATED", "CREATED AT": "CREATED AT"}.get(heading := " ".join(words).upper(), heading)


def _parse(expression: str) -> tuple[str, str]:
    match = _FIELD.match(expression)
    if match is None:
        raise ProjectError(f"`--format`: `{{{{{expression}}}}}` is not supported", hint="fields are written {{.Name}}")
    return match[1] or "", match[2].removeprefix(".")
