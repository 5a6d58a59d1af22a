"""Which paths count: what COPY's wildcards name, what `.dockerignore`, `--exclude` and `--parents` choose."""

import re
from collections.abc import Sequence
from typing import Protocol

from runtime.build.dockerfile.ignore import IgnoreRules, clean, compile_rule
from runtime.errors import InvalidArgument

_WILDCARD = re.compile(r"\\.|([*?\[])", re.DOTALL)
_STARS = re.compile(r"(\\.)|\*+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Ignoring(Protocol):
    """What leaves paths out, like the rules of a `.dockerignore`."""

    def ignores(self, path: str) -> bool:
        """Whether a path below the root is left out."""

    def hides(self, folder: str) -> bool:
        """Whether a folder is left out with all that is in it."""


def rules(patterns: Sequence[str]) -> IgnoreRules | None:
    """Return moby/patternmatcher's rules, `!` takes back; None for none. Raises InvalidArgument."""
    if not patterns:
        return None
    try:
        return IgnoreRules([compile_rule(_relative(pattern)) for pattern in patterns])
    except ValueError as error:
        raise InvalidArgument(f"cannot read a pattern of `{' '.join(patterns)}`: {error}") from error


def has_wildcards(text: str) -> bool:
    """Whether a component of a path is a pattern for Go's filepath.Match."""
    return any(match[1] for match in _WILDCARD.finditer(text))


def literal(text: str) -> str:
    """Return the name that a component without wildcards stands for."""
    return _ESCAPED.sub(r"\1", text)


def compile_component(text: str) -> re.Pattern[str]:
    """Return one component of a path as filepath.Match reads it: two stars are one. Raises InvalidArgument."""
    try:
        pattern = _STARS.sub(lambda match: match[1] or "*", text)
        return compile_rule(f"\\{pattern}" if pattern.startswith("!") else pattern).regex
    except ValueError as error:
        raise InvalidArgument(f"`{text}` is not a pattern: {error}") from error


def _relative(pattern: str) -> str:
    mark = "!" if pattern.startswith("!") else ""
    return mark + clean(f"/{pattern[len(mark) :]}").lstrip("/")
