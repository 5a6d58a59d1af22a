"""Dataclasses to JSON and back, without a library.

Fields at their default are left out, so that documents stay small and older ones can be read by
newer versions. Tuples become lists and come back as tuples. Unknown keys are an error: a document
of a newer version is refused rather than half understood.
"""

import json
import typing
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar

T = TypeVar("T")
Decoder = Callable[[Any], Any]

_SCALARS = frozenset((str, int, float, bool, NoneType))
"""By far the most values; an Enum's type is its own, so that it is none of them."""

_decoders: dict[Any, Decoder] = {}
_defaults: dict[type, list[tuple[str, Any]]] = {}


def to_json(value: object) -> str:
    """Return a dataclass as compact JSON text with sorted keys."""
    return json.dumps(to_plain(value), separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def from_json(kind: type[T], text: str) -> T:
    """Return the dataclass that `to_json` wrote. Raises ValueError for anything else."""
    return from_plain(kind, json.loads(text))


def to_plain(value: Any) -> Any:
    """Return dicts, lists and scalars that JSON can write."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind in _defaults or is_dataclass(kind):
        plain = {}
        for name, default in _fields_of(kind):
            item = getattr(value, name)
            if item is not default and item != default:
                plain[name] = item if type(item) in _SCALARS else to_plain(item)
        return plain
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    return value


def from_plain(kind: type[T], plain: Any) -> T:
    """Return a dataclass from dicts, lists and scalars. Raises ValueError."""
    try:
        return typing.cast("T", _decoder(kind)(plain))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error


def _fields_of(kind: type) -> list[tuple[str, Any]]:
    known = _defaults.get(kind)
    if known is None:
        known = _defaults[kind] = [(each.name, _default(each)) for each in fields(kind)]
    return known


def _default(each: "Field[Any]") -> Any:
    if each.default is not MISSING:
        return each.default
    if each.default_factory is not MISSING:
        return each.default_factory()
    return MISSING


def _decoder(kind: Any) -> Decoder:
    decode = _decoders.get(kind)
    if decode is None:
        decode = _decoders[kind] = _make_decoder(kind)
    return decode


def _make_decoder(kind: Any) -> Decoder:
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass_decoder(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is UnionType or origin is typing.Union:
        inner = [_decoder(each) for each in arguments if each is not NoneType]
        # Unions of plain scalars need no conversion; X | None converts X.
        return (lambda plain: None if plain is None else inner[0](plain)) if len(inner) == 1 else _same
    if origin is tuple:
        return _tuple_decoder(arguments)
    if origin is dict:
        value = _decoder(arguments[1])
        return lambda plain: {key: value(item) for key, item in plain.items()}
    return _same


def _same(plain: Any) -> Any:
    return plain


def _tuple_decoder(arguments: tuple[Any, ...]) -> Decoder:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        item = _decoder(arguments[0])
        if item is _same:
            return tuple
        return lambda plain: tuple(item(each) for each in plain)
    items = [_decoder(each) for each in arguments]
    return lambda plain: tuple(decode(each) for decode, each in zip(items, plain, strict=True))


def _dataclass_decoder(kind: type) -> Decoder:
    table: dict[str, Decoder] | None = None

    def decode(plain: dict[str, Any]) -> Any:
        nonlocal table
        if table is None:
            hints = typing.get_type_hints(kind)
            # Seen by other threads only when it is whole.
            table = {each.name: _decoder(hints[each.name]) for each in fields(kind)}
        decoders = table
        return kind(**{name: decoders[name](item) for name, item in plain.items()})

    return decode
