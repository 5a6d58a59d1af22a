"""`dataclass`, as the standard library's, whose methods are made when they are first called.

The standard library compiles up to six methods of each class at import, about half a millisecond a class. A command
imports up to three hundred of them and uses a few dozen, so that was most of what some commands took. Here the fields
are the standard library's (`fields`, `replace`, `asdict`, `match` know them), `__init__` is made by it for the classes
that are instantiated, and what needs no code of its own is shared.
"""

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

_Getter = Callable[[Any], Any]


class _Missing:
    """Stands for an argument that was not given."""


def _dataclass(
    cls: type | None = None, /, *, frozen: bool = False, slots: bool = False, eq: bool = True
) -> type | Callable[[type], type]:
    def decorate(cls: type) -> type:
        if cls.__doc__ is None:
            cls.__doc__ = ""  # or the standard library writes a signature for it
        made: type = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
        own = frozenset(cls.__dict__)
        for name, method in _methods(made, frozen=frozen, eq=eq).items():
            if name not in own or (name == "__hash__" and cls.__dict__[name] is None):
                setattr(made, name, method)
        return made

    return decorate if cls is None else decorate(cls)


def _methods(cls: type, *, frozen: bool, eq: bool) -> dict[str, Any]:
    fields = dataclasses.fields(cls)
    if not all(field.init and field.repr and field.compare for field in fields):
        raise TypeError(f"{cls.__qualname__}: fields have no options here but a default, a factory, `kw_only`")
    names = tuple(field.name for field in fields)
    methods: dict[str, Any] = {"__init__": _first_init(cls, frozen=frozen), "__repr__": _repr_of(names)}
    if eq:
        values = attrgetter(*names) if names else _nothing
        methods["__eq__"] = _eq_of(values)
        methods["__hash__"] = _hash_of(values) if frozen else None
    if frozen:
        methods["__setattr__"] = _fence(cls, names, "assign to", "__setattr__")
        methods["__delattr__"] = _fence(cls, names, "delete", "__delattr__")
    return methods


def _first_init(cls: type, *, frozen: bool) -> Callable[..., None]:
    """Return an `__init__` that makes the real one, puts it in its own place and calls it."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it becomes the class's
        real = _init_of(cls, frozen=frozen)
        # Two threads may come here at once: each makes the same method, and either will do.
        cls.__init__ = real  # type: ignore[misc]
        real(self, *args, **kwargs)

    return __init__


def _init_of(cls: type, *, frozen: bool) -> Callable[..., None]:
    scope: dict[str, Any] = {"_assign": object.__setattr__, "_Missing": _Missing}
    positional, by_name, lines = ["self"], list[str](), list[str]()
    for number, field in enumerate(dataclasses.fields(cls)):
        parameter = value = field.name
        if field.default_factory is not dataclasses.MISSING:
            scope[f"_make{number}"] = field.default_factory
            parameter += "=_Missing"
            value = f"_make{number}() if {value} is _Missing else {value}"
        elif field.default is not dataclasses.MISSING:
            scope[f"_default{number}"] = field.default
            parameter += f"=_default{number}"
        (by_name if field.kw_only else positional).append(parameter)
        lines.append(f"_assign(self, {field.name!r}, {value})" if frozen else f"self.{field.name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    parameters = ", ".join([*positional, *(["*", *by_name] if by_name else ())])
    exec(f"def __init__({parameters}):\n  " + ("\n  ".join(lines) or "pass"), scope)  # noqa: S102 - names of fields
    made: Callable[..., None] = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    return made


def _repr_of(names: tuple[str, ...]) -> Callable[[Any], str]:
    def __repr__(self: Any) -> str:  # noqa: N807
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return __repr__


def _eq_of(values: _Getter) -> Callable[[Any, object], Any]:
    def __eq__(self: Any, other: object) -> Any:  # noqa: N807
        return values(self) == values(other) if type(self) is type(other) else NotImplemented

    return __eq__


def _hash_of(values: _Getter) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(values(self))

    return __hash__


def _nothing(_: Any) -> tuple[()]:
    return ()


def _fence(cls: type, names: tuple[str, ...], verb: str, method: str) -> Callable[..., None]:
    own = frozenset(names)

    def fence(self: Any, name: str, *value: Any) -> None:
        if type(self) is cls or name in own:
            raise dataclasses.FrozenInstanceError(f"cannot {verb} field {name!r}")
        getattr(super(cls, self), method)(name, *value)

    fence.__name__ = method
    return fence


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = _dataclass
