"""`config --variables` and `--environment`: what interpolation sees, and where each value comes from.

A script gets docker compose's lines and columns. The place of origin is shown beside them on a terminal, and to
programs with `--format json`.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from compose.cli.context import Context
from compose.errors import ProjectError
from compose.loader.places import Clue, Sources
from compose.loader.problem import Path
from compose.loader.template import InvalidTemplate, MissingRequired, Variable, variables_of, with_variables
from compose.loader.tree_path import Tree
from compose.loader.yaml_writer import dump
from compose.render.table import WIDE, table

if TYPE_CHECKING:
    from compose.loader.pipeline import Resolved

_SHELL = "shell"
_COLUMNS = ("NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE")


def environment(context: Context, result: "Resolved") -> str:
    """`NAME=value` lines, sorted; on a terminal with `# source` behind them."""
    if context.options.format == "json":
        names = sorted(result.variables)
        return json_text({name: {"Value": result.variables[name], "Source": _origin(result, name)} for name in names})
    lines = sorted((f"{name}={value}", name) for name, value in result.variables.items())
    if not _for_a_reader(context):
        return "".join(f"{line}\n" for line, _ in lines)
    return "".join(f"{line}  # {_origin(result, name)}\n" for line, name in lines)


def variables(context: Context, result: "Resolved") -> str:
    """The variables that the files refer to. Raises ProjectError for an unknown format."""
    rows = _rows(result)
    match context.options.format.lower():
        case "json":
            return json.dumps(rows, indent=4, ensure_ascii=False) + "\n\n"
        case "yaml":
            known = ("Name", "DefaultValue", "PresenceValue", "Required")
            return dump({name: {key.lower(): row[key] for key in known} for name, row in rows.items()})
        case "" | "table" | "pretty":
            return _table(rows, whole=_for_a_reader(context))
    raise ProjectError(f'unsupported format "{context.options.format}"', hint="it is `table`, `json` or `yaml`")


def json_text(value: object) -> str:
    """JSON as `config` prints it."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _for_a_reader(context: Context) -> bool:
    return context.writes_to_terminal() and not context.options.output


def _table(rows: dict[str, Tree], *, whole: bool) -> str:
    keys = ("Name", "Required", "DefaultValue", "PresenceValue") + (("Value", "Source") if whole else ())
    header = _COLUMNS + (("VALUE", "SOURCE") if whole else ())
    cells = [tuple(_cell(row[key]) for key in keys) for row in rows.values()]
    return table([header, *cells], minimum=10 if whole else WIDE)


def _cell(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value


def _rows(result: "Resolved") -> dict[str, Tree]:
    found: dict[str, tuple[Variable, str]] = {}
    for path, text in _texts(result.tree, ()):
        for variable in _named(text):
            known, place = found.get(variable.name, (variable, ""))
            if variable.default and not known.default:
                place = ""
            merged = Variable(
                variable.name,
                known.required or variable.required,
                known.default or variable.default,
                known.alternative or variable.alternative,
            )
            if merged.default and not place:
                place = _place(result.sources, path, text)
            found[variable.name] = (merged, place)
    return {name: _row(variable, place, result) for name, (variable, place) in sorted(found.items())}


def _row(variable: Variable, place: str, result: "Resolved") -> Tree:
    value, source = _value(variable, place, result)
    return {
        "Name": variable.name,
        "DefaultValue": variable.default,
        "PresenceValue": variable.alternative,
        "Required": variable.required,
        "Value": value,
        "Source": source,
    }


def _value(variable: Variable, place: str, result: "Resolved") -> tuple[str, str]:
    """What the variable is now, and where that comes from; a default where it is not set."""
    name = variable.name
    if name in result.variables:
        return result.variables[name], _origin(result, name)
    if name in result.included:
        return result.included[name]
    if not variable.default:
        return "", ""
    try:
        return with_variables(result.variables).substitute(variable.default), place
    except (InvalidTemplate, MissingRequired):
        return "", ""


def _origin(result: "Resolved", name: str) -> str:
    return result.origins.get(name, _SHELL)


def _place(sources: Sources, path: Path, text: str) -> str:
    span = sources.span(path, Clue(needle=text))
    return f"{span.file}:{span.line}" if span else ""


def _named(text: str) -> list[Variable]:
    try:
        return list(variables_of(text))
    except InvalidTemplate:
        # What is no template names no variable; without this flag the load says so.
        return []


def _texts(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
