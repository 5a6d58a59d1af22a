"""`--name=value` between an instruction and its arguments (BuildKit, frontend/dockerfile/instructions/bflag.go)."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from runtime.build.dockerfile.words import WordError


class Kind(Enum):
    """What a flag takes."""

    SWITCH = "a boolean"
    TEXT = "a value"
    TEXTS = "values, given once each"


class Flags:
    """The flags of one instruction, by name."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def text(self, name: str, default: str = "") -> str:
        """Return the value of a flag, or the default."""
        return self._values.get(name, [default])[0]

    def texts(self, name: str) -> tuple[str, ...]:
        """Return all values of a flag."""
        return tuple(self._values.get(name, ()))

    def switch(self, name: str) -> bool | None:
        """Return what a switch says, None when it is not there."""
        return self._values[name][0] == "true" if name in self._values else None


def read_flags(words: Sequence[str], known: Mapping[str, Kind]) -> Flags:
    """Return the flags of an instruction that knows these. Raises WordError."""
    values: dict[str, list[str]] = {}
    for word in words:
        flag, equals, value = word.partition("=")
        name = flag.removeprefix("--")
        kind = known.get(name)
        if kind is None:
            raise WordError(f"unknown flag: `{flag}`", nearest(name, known, prefix="--") or _known(known))
        if name in values and kind is not Kind.TEXTS:
            raise WordError(f"duplicate flag specified: `{flag}`")
        values.setdefault(name, []).append(_value(flag, equals, value, kind))
    return Flags(values)


def _known(known: Mapping[str, Kind]) -> str:
    return f"known are {', '.join(f'`--{name}`' for name in known)}" if known else "it takes none"


def _value(flag: str, equals: str, value: str, kind: Kind) -> str:
    if kind is not Kind.SWITCH:
        if not equals:
            raise WordError(f"missing a value on flag: `{flag}`", f"write `{flag}=value`")
        return value
    if equals and not value:
        raise WordError(f"missing a value on flag: `{flag}`")
    if value.lower() not in ("", "true", "false"):
        raise WordError(f"expecting boolean value for flag `{flag}`, not: `{value}`")
    return value.lower() or "true"


def nearest(word: str, known: Iterable[str], *, prefix: str = "") -> str:
    """Return the hint that names what was probably meant, or nothing."""
    by_lower = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean `{prefix}{by_lower[matches[0]]}`?" if matches else ""
