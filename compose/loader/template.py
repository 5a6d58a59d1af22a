"""`$V`, `${V}`, `${V-d}`, `${V:-d}`, `${V?e}`, `${V:?e}`, `${V+r}`, `${V:+r}`, `$$`, nested.

Source: compose-spec, 12-interpolation.md; compose-go, template.go, whose reading of odd texts this follows.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from compose.errors import InterpolationError
from compose.loader.problem import Problem

_PATTERN = re.compile(
    r"\$(?i:(?P<escaped>\$)|(?P<named>[_a-z][_a-z0-9]*)"
    r"|\{(?:(?P<braced>[_a-z][_a-z0-9]*(?::?[-+?](?:.*))?)\}|(?P<invalid>)))"
)
_OPERATOR = re.compile(r":?[-+?]")


class InvalidTemplate(Exception):
    """A `${` that is no variable; the argument is the whole text."""


class MissingRequired(Exception):
    """A variable with `?` has no value."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"required variable {name} is missing a value" + (f": {reason}" if reason else ""))
        self.name = name


def _ignore(_: str) -> None:
    """The default for callers who do not warn."""


@dataclass(frozen=True, slots=True)
class Template:
    """Substitution with one set of variables; `unset` is told the names that are blank for want of a value."""

    lookup: Callable[[str], str | None]
    unset: Callable[[str], None] = _ignore

    def substitute(self, text: str) -> str:
        """The text with its variables replaced. Raises InvalidTemplate, MissingRequired."""
        if "$" not in text:
            return text
        return _PATTERN.sub(lambda match: self._replace(match, text), text)

    def _replace(self, match: re.Match[str], text: str) -> str:
        if match["escaped"]:
            return "$"
        if match["named"]:
            return self._value(match["named"])
        if not match["braced"]:
            raise InvalidTemplate(text)
        # The pattern is greedy: with two variables in a line it takes all from the first `{` to the last `}`.
        whole = match[0]
        end = _closing_brace(whole)
        inner = _PATTERN.fullmatch(whole[: end + 1])
        if end < 0 or inner is None or not inner["braced"]:
            raise InvalidTemplate(text)
        return self._braced(inner["braced"]) + self.substitute(whole[end + 1 :])

    def _braced(self, expression: str) -> str:
        operator = _OPERATOR.search(expression)
        if operator is None:
            return self._value(expression)
        name, argument = expression[: operator.start()], expression[operator.end() :]
        value = self.lookup(name)
        given = value is not None and (value != "" or not operator[0].startswith(":"))
        match operator[0][-1]:
            case "-":
                return value or "" if given else self.substitute(argument)
            case "+":
                return self.substitute(argument) if given else ""
            case _:
                if not given:
                    raise MissingRequired(name, self.substitute(argument))
                return value or ""

    def _value(self, name: str) -> str:
        value = self.lookup(name)
        if value is None:
            self.unset(name)
            return ""
        return value


def _closing_brace(text: str) -> int:
    """Index of the brace that closes the first `{`, or -1."""
    depth, index = 0, 0
    while index < len(text):
        if text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
        if text[index] == "{":
            depth += 1
            index += 1
        index += 1
    return -1


def with_variables(variables: Mapping[str, str]) -> Template:
    """A template over a plain mapping."""
    return Template(variables.get)


def invalid(place: str, error: InvalidTemplate, path: tuple[str | int, ...] = ()) -> Problem:
    """The message for a malformed text."""
    return Problem(
        f"invalid interpolation format for {place}.\nYou may need to escape any $ with another $.\n{error}",
        path,
        kind=InterpolationError,
        hint="a `$` that stands for itself is written `$$`",
        needle=str(error),
    )


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a text refers to."""

    name: str
    required: bool = False
    default: str = ""
    alternative: str = ""


def variables_of(text: str) -> Iterator[Variable]:
    """The variables in a text, also those in defaults."""
    for match in _PATTERN.finditer(text):
        if match["named"]:
            yield Variable(match["named"])
        elif match["braced"]:
            end = _closing_brace(match[0])
            inner = match[0][2:end]
            operator = _OPERATOR.search(inner)
            if operator is None:
                yield Variable(inner)
            else:
                yield _variable(inner[: operator.start()], operator[0][-1], inner[operator.end() :])
                yield from variables_of(inner[operator.end() :])
            yield from variables_of(match[0][end + 1 :])


def _variable(name: str, operator: str, argument: str) -> Variable:
    match operator:
        case "-":
            return Variable(name, default=argument)
        case "+":
            return Variable(name, alternative=argument)
        case _:
            return Variable(name, required=True)
