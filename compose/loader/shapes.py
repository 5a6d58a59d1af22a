"""A small language for the shape of YAML data, and the check of data against it.

Messages are docker compose's (a JSON schema's), so that what users search for is found. What to do
about them is told by hints.py.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, TypeAlias

from compose.loader.problem import Path, Problem, dotted
from schemas.dataclass import dataclass

_FEW = 8
"""Services that are listed where one is missing."""

WORDS = {"object": "mapping", "array": "list"}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value of one of some types: string, integer, number, boolean, null.

    A string is one of the `choices` or has the `pattern`, where these are given.
    """

    types: tuple[str, ...]
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    item: "Shape"
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping with known keys; extension keys (`x-…`) where `extensible`."""

    keys: Mapping[str, "Shape"]
    required: tuple[str, ...] = ()
    extensible: bool = True
    nullable: bool = False
    closed: bool = True
    extra_types: tuple[str, ...] = ()
    """Scalar types that may stand in the mapping's stead."""


@dataclass(frozen=True, slots=True)
class Names:
    """A mapping from names that users choose."""

    item: "Shape"
    pattern: re.Pattern[str] = field(default=re.compile(".+"))
    closed: bool = True


@dataclass(frozen=True, slots=True)
class OneOf:
    """Alternatives of different kinds; the first is the one that a wrong value is told about."""

    shapes: tuple["Shape", ...]


Shape: TypeAlias = Scalar | ListOf | Keys | Names | OneOf


def problems(value: Any, shape: Shape, path: Path = ()) -> Iterator[Problem]:
    """All that is wrong with a value."""
    match shape:
        case Scalar():
            yield from _scalar(value, shape, path)
        case ListOf():
            yield from _list(value, shape, path)
        case Keys():
            yield from _keys(value, shape, path)
        case Names():
            yield from _names(value, shape, path)
        case OneOf():
            fitting = [option for option in shape.shapes if kind_of(value) in kinds(option)]
            if fitting:
                yield from problems(value, fitting[0], path)
            else:
                yield _wrong_type(kinds(shape), path)


def kind_of(value: Any) -> str:
    """The JSON type of a value; a float without fraction is an integer, as in JSON schema."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    return "null" if value is None else "number"


def kinds(shape: Shape) -> tuple[str, ...]:
    """The JSON types that a shape takes."""
    match shape:
        case Scalar(types=types):
            return (*types, "integer") if "number" in types else types
        case ListOf():
            return ("array",)
        case Keys():
            return ("object", "null", *shape.extra_types) if shape.nullable else ("object", *shape.extra_types)
        case Names():
            return ("object",)
        case OneOf(shapes=shapes):
            return tuple(kind for option in shapes for kind in kinds(option))


def _wrong_type(expected: tuple[str, ...], path: Path) -> Problem:
    told = [kind for kind in dict.fromkeys(expected) if kind != "integer" or "number" not in expected]
    words = [WORDS.get(kind, kind) for kind in told]
    if "null" in words and len(words) > 1:
        words = [*(word for word in words if word != "null"), "null"]
    text = article(words[0]) if len(words) == 1 else f"{', '.join([article(words[0]), *words[1:-1]])} or {words[-1]}"
    return Problem(f"{dotted(path)} must be {text}", path, code="wrong-type")


def article(word: str) -> str:
    """`a list`, `an integer`; null has none."""
    return word if word == "null" else f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _scalar(value: Any, shape: Scalar, path: Path) -> Iterator[Problem]:
    kind = kind_of(value)
    if kind not in shape.types and not (kind == "integer" and "number" in shape.types):
        yield _wrong_type(shape.types, path)
    elif kind == "string":
        yield from _text(value, shape, path)
    elif kind in ("integer", "number"):
        if shape.minimum is not None and value < shape.minimum:
            yield Problem(f"{dotted(path)} Must be greater than or equal to {shape.minimum}", path, code="bad-value")
        if shape.maximum is not None and value > shape.maximum:
            yield Problem(f"{dotted(path)} Must be less than or equal to {shape.maximum}", path, code="bad-value")


def _text(value: str, shape: Scalar, path: Path) -> Iterator[Problem]:
    if value in shape.choices or (shape.pattern is not None and shape.pattern.search(value)):
        return
    if shape.choices:
        choices = ", ".join(f'"{choice}"' for choice in shape.choices)
        message = f"{dotted(path)} must be one of the following: {choices}"
        yield Problem(message, path, code="bad-value", hint=nearest(value, shape.choices))
    elif shape.pattern is not None:
        yield Problem(f"{dotted(path)} Does not match pattern '{shape.pattern.pattern}'", path, code="bad-value")


def _list(value: Any, shape: ListOf, path: Path) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _wrong_type(("array",), path)
        return
    if shape.unique:
        seen: dict[str, int] = {}
        for index, item in enumerate(value):
            first = seen.setdefault(repr(item), index)
            if first != index:
                message = f"{dotted(path)} array items[{first},{index}] must be unique"
                yield Problem(message, (*path, index), code="duplicate")
    for index, item in enumerate(value):
        yield from problems(item, shape.item, (*path, index))


def _keys(value: Any, shape: Keys, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        if kind_of(value) not in kinds(shape):
            yield _wrong_type(kinds(shape), path)
        return
    for key in shape.required:
        if key not in value:
            yield Problem(f"{dotted(path)} {key} is required", path, code="missing-key", on_key=True, needed=key)
    for key, item in value.items():
        if key in shape.keys:
            yield from problems(item, shape.keys[key], (*path, key))
        elif shape.closed and not (shape.extensible and key.startswith("x-")):
            message = f"{dotted(path)} Additional property {key} is not allowed"
            yield Problem(message, (*path, key), code="unknown-key", on_key=True)


def _names(value: Any, shape: Names, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong_type(("object",), path)
        return
    for key, item in value.items():
        if not shape.closed or shape.pattern.search(key):
            yield from problems(item, shape.item, (*path, key))
        else:
            hint = f"a name matches `{shape.pattern.pattern.strip('^$')}`"
            message = f"{dotted(path)} Additional property {key} is not allowed"
            yield Problem(message, (*path, key), code="unknown-key", hint=hint, on_key=True)


_LONGEST_COMPARED = 100
_MOST_COMPARED = 1000
"""Comparing takes the square of the length, for each known word."""


def nearest(word: str, words: Mapping[str, Any] | tuple[str, ...], likeness: float = 0.6) -> str:
    """A hint with the known word most like this one, or nothing."""
    if len(word) > _LONGEST_COMPARED:
        return ""
    # Words that differ in length by more than this are never alike enough.
    few = [known for known in words if 3 * len(known) < 7 * len(word) + 1 and 3 * len(word) < 7 * len(known) + 1]
    matches = difflib.get_close_matches(word.lower(), few[:_MOST_COMPARED], n=1, cutoff=likeness)
    return f"did you mean `{matches[0]}`?" if matches else ""


def nearest_service(name: str, services: Mapping[str, Any]) -> str:
    """A hint with the service most like a name; else all of them, where these are few."""
    few = 0 < len(services) <= _FEW
    return nearest(name, services) or (
        f"known services are {', '.join(f'`{each}`' for each in services)}" if few else ""
    )
