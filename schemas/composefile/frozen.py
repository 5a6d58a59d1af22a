"""A mapping that nothing changes, so that a frozen model is frozen to its leaves."""

from copy import deepcopy
from typing import Any, NoReturn, TypeVar, get_args

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Key = TypeVar("Key")
Value = TypeVar("Value")


class Frozen(dict[Key, Value]):
    """A dict without its mutators, hashable where its values are. Copies (`dict(…)`, `{**…}`, `|`) are plain dicts.

    A subclass, not a proxy: it is read at a dict's speed, and JSON, YAML and pickle know what it is.
    """

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("the project is immutable: make a changed copy")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]  # what is hashable is not copied when it is a field's default
        return hash(frozenset(self.items()))

    def __deepcopy__(self, memo: dict[int, object]) -> "Frozen[Key, Value]":
        return Frozen({key: deepcopy(item, memo) for key, item in self.items()}) if self else self

    def __reduce__(self) -> tuple[type, tuple[dict[Key, Value]]]:
        return (Frozen, (dict(self),))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        key, value = get_args(source)
        return core_schema.no_info_after_validator_function(
            cls, core_schema.dict_schema(handler.generate_schema(key), handler.generate_schema(value))
        )


EMPTY: Frozen[Any, Any] = Frozen()
"""The default of every mapping of the models."""


def frozen(value: Any) -> Any:
    """YAML data with its mappings and lists made immutable, all the way down."""
    if isinstance(value, dict):
        return Frozen({key: frozen(item) for key, item in value.items()})
    return tuple(map(frozen, value)) if isinstance(value, list) else value
