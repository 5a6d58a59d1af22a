"""What to do about a value of the wrong shape: the quotes that are missing, the key that was meant, where it belongs.

Only looked for when something is wrong, so this may take its time.
"""

from collections.abc import Iterator
from typing import Any

from compose.loader.places import values_along
from compose.loader.problem import Path, Problem, dotted
from compose.loader.scalar import text_of
from compose.loader.shapes import WORDS, Keys, ListOf, Names, OneOf, Scalar, Shape, article, kind_of, kinds, nearest
from compose.loader.tree_path import Tree

_FEW = 12
"""Known keys that are listed; more than that nobody reads."""

_DEEP = 4
"""Levels below a mapping where a misplaced key is looked for."""

_ALIKE = 0.8
"""From here on a word is rather a typo than in the wrong place."""

_DURATIONS = (
    "delay",
    "interval",
    "monitor",
    "start_interval",
    "start_period",
    "stop_grace_period",
    "timeout",
    "window",
)

_FORMER = {
    "cpu": "`cpus`",
    "env": "`environment`",
    "links_from": "`volumes_from`",
    "log_driver": "`logging.driver`",
    "log_opt": "`logging.options`",
    "memory": "`mem_limit` or `deploy.resources.limits.memory`",
    "net": "`network_mode`",
    "volume": "`volumes`",
}
"""Attributes of a service that other versions and other tools call so."""


def with_hint(problem: Problem, tree: Tree, model: Shape) -> Problem:
    """Return a problem of the schema with a hint, where there is something to say."""
    values = values_along(tree, problem.path)
    value = values[-1] if values and len(values) == len(problem.path) else tree
    if problem.code == "wrong-type":
        problem.hint = _for_type(value, shape_at(model, problem.path), problem.path)
    elif problem.code == "unknown-key":
        problem.hint = problem.hint or _for_key(str(problem.path[-1]), value, problem.path[:-1], model)
    elif problem.code == "missing-key":
        problem.hint = _for_missing(problem, shape_at(model, problem.path))
    elif problem.code == "duplicate":
        problem.hint = f"`{text_of(value)}` stands there twice; remove one of them"
    return problem


def shape_at(shape: Shape | None, path: Path) -> Shape | None:
    """The shape of what stands at a path."""
    for part in path:
        found = [_below(option, part) for option in _options(shape)]
        shape = next((below for below in found if below is not None), None)
    return shape


def _options(shape: Shape | None) -> tuple[Shape, ...]:
    return shape.shapes if isinstance(shape, OneOf) else (shape,) if shape is not None else ()


def _below(shape: Shape, part: str | int) -> Shape | None:
    match shape:
        case Keys(keys=known):
            return known.get(part) if isinstance(part, str) else None
        case Names(item=item):
            return item if isinstance(part, str) else None
        case ListOf(item=item):
            return item if isinstance(part, int) else None
    return None


def _for_type(value: Any, shape: Shape | None, path: Path) -> str:
    expected = kinds(shape) if shape is not None else ()
    kind = kind_of(value)
    if kind == "null":
        empty = "`{}`" if "object" in expected else "`[]`" if "array" in expected else '`""`'
        return f"it is empty; fill it in, remove it, or write {empty}"
    seen = f"it is {article(WORDS.get(kind, kind))}"
    if path[-1:] == ("restart",) and value is False:
        return f'{seen}; the policy is written with quotes, `"no"`'
    if kind in ("number", "boolean") and "integer" in expected:
        return f"{seen}, a whole number is expected" if kind == "number" else seen
    if "boolean" in expected and kind in ("integer", "number"):
        return f"{seen}; write `true` or `false`"
    if path[-1:] and path[-1] in _DURATIONS and kind == "integer":
        return f"{seen}; write it with its unit, `{value}s`"
    if "string" in expected and kind in ("integer", "number", "boolean"):
        return f'{seen}; write it with quotes, `"{text_of(value)}"`'
    if kind in ("object", "array"):
        return _for_collection(kind, expected, seen, shape)
    if "array" in expected:
        return f'{seen}; a list of one is written `["{text_of(value)}"]`'
    if "object" in expected:
        return f"{seen}; {_keys_of(shape)}" if _keys_of(shape) else f"{seen}; write `key: value` below it"
    return seen


def _for_collection(kind: str, expected: tuple[str, ...], seen: str, shape: Shape | None) -> str:
    if kind == "array" and "object" in expected:
        return f"{seen}; {_keys_of(shape)}" if _keys_of(shape) else f"{seen}; write `key: value` without `-`"
    if kind == "object" and "array" in expected:
        return f"{seen}; each item of a list begins with `- `"
    return f"{seen}; only one value can be given" if kind == "array" else seen


def _keys_of(shape: Shape | None) -> str:
    for option in _options(shape):
        if isinstance(option, Keys) and len(option.keys) <= _FEW:
            return f"its keys are {_quoted(option.keys)}"
    return ""


def _quoted(words: Any) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _for_missing(problem: Problem, shape: Shape | None) -> str:
    for option in _options(shape):
        if isinstance(option, Keys):
            wanted = option.keys.get(problem.needed)
            if isinstance(wanted, Scalar) and wanted.choices:
                return f"add `{problem.needed}:`, one of {_quoted(wanted.choices)}"
            needed = [key for key in option.required if key in option.keys]
            return f"add {' and '.join(f'`{key}:`' for key in needed)}"
    return ""


def _for_key(key: str, value: Any, path: Path, model: Shape) -> str:
    known = next((option for option in _options(shape_at(model, path)) if isinstance(option, Keys)), None)
    if known is None:
        return ""
    in_service = len(path) == 2 and path[0] == "services"
    if in_service and key in _FORMER:
        return f"it is called {_FORMER[key]}"
    if not path and key == "apiVersion":
        return "this is a file for Kubernetes"
    return (
        nearest(key, known.keys, _ALIKE)
        or _misplaced(key, value, path, known, model)
        or nearest(key, known.keys)
        or (f"known keys are {_quoted(known.keys)}" if len(known.keys) <= _FEW else "")
    )


def _misplaced(key: str, value: Any, path: Path, known: Keys, model: Shape) -> str:
    below = [place for place, shape in _places(known) if key in shape.keys and kind_of(value) in kinds(shape.keys[key])]
    if below:
        nearby = [place for place in below if len(place) == len(below[0])]
        return f"it belongs under {' or '.join(f'`{dotted(place)}`' for place in nearby)}" if len(nearby) <= 2 else ""
    for end in reversed(range(len(path))):
        for option in _options(shape_at(model, path[:end])):
            if isinstance(option, Keys) and key in option.keys:
                place = f"of `{dotted(path[:end])}`" if end else "at the top level"
                return f"it is known {place}; is it indented too far?"
    return _at_top(key, value, model) if not path else ""


def _at_top(key: str, value: Any, model: Shape) -> str:
    service = next((option for option in _options(shape_at(model, ("services", ""))) if isinstance(option, Keys)), None)
    if service is None:
        return ""
    if isinstance(value, dict) and any(name in service.keys for name in value):
        return f"if `{key}` is a service, put it under `services:`"
    return "it belongs to a service, under `services:`; is it indented enough?" if key in service.keys else ""


def _places(shape: Keys) -> Iterator[tuple[Path, Keys]]:
    """Mappings with known keys below this one, the nearest first."""
    level: list[tuple[Path, Keys]] = [((), shape)]
    for _ in range(_DEEP):
        following = [
            ((*place, key), option)
            for place, keys in level
            for key, item in keys.keys.items()
            for option in _options(item)
            if isinstance(option, Keys)
        ]
        yield from following
        level = following
