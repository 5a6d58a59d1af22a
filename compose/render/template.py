"""The part of Go templates that `--format` is used with: fields, `json`, `upper`, `lower`, text around them."""

import json
import re
from collections.abc import Mapping, Sequence

from compose.errors import ProjectError
from compose.render.table import table

_ACTION = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_FIELD = re.compile(r"(?:(json|upper|lower|println)\s+)?(\.[A-Za-z]*)$")
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
    function, name = _parse(expression)
    if name and name not in row:
        raise ProjectError(f"`--format`: no field `{name}`", hint=f"there are {', '.join(row)}")
    value = row[name] if name else row
    if function == "json":
        return json.dumps(value, ensure_ascii=False)
    text = value if isinstance(value, str) else json.dumps(value)
    return {"upper": text.upper, "lower": text.lower}.get(function, lambda: text)()


def _heading(expression: str) -> str:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*", _parse(expression)[1])
    return {"RUNNING FOR": "CREATED", "CREATED AT": "CREATED AT"}.get(heading := " ".join(words).upper(), heading)


def _parse(expression: str) -> tuple[str, str]:
    match = _FIELD.match(expression)
    if match is None:
        raise ProjectError(f"`--format`: `{{{{{expression}}}}}` is not supported", hint="fields are written {{.Name}}")
    return match[1] or "", match[2].removeprefix(".")
