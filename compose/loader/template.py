"""`$V`, `${V}`, `${V-d}`, `${V:-d}`, `${V?e}`, `${V:?e}`, `${V+r}`, `${V:+r}`, `$$`, nested.

Source: compose-spec, 12-interpolation.md; compose-go, template.go, whose reading of odd texts this follows.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from compose.errors import InterpolationError
from compose.loader.problem import Problem

_NAME = re.compile(r"[_a-z][_a-z0-9]*", re.IGNORECASE)
_OPERATOR = re.compile(r":?[-+?]")
_BRACE = re.compile(r"[{}]")

MAX_DEPTH = 50
"""How deep defaults may nest."""

MAX_EXPANSION = 1 << 24
"""Characters that the variables of one file may bring in: a large variable, often named, fills all memory."""


class TemplateError(Exception):
    """A text whose variables cannot be replaced."""


class InvalidTemplate(TemplateError):
    """A `${` that is no variable; the argument is the whole text, `source` the part from there on."""

    def __init__(self, text: str, source: str = "") -> None:
        super().__init__(text)
        self.source = source


class ExcessiveExpansion(TemplateError):
    """The values are longer than MAX_EXPANSION, all together."""

    def __init__(self, name: str) -> None:
        super().__init__(f"variables bring in more than {MAX_EXPANSION >> 20} million characters, up to this `{name}`")


class MissingRequired(TemplateError):
    """A variable with `?` has no value; `source` is how it is written."""

    def __init__(self, name: str, reason: str, source: str) -> None:
        super().__init__(f"required variable {name} is missing a value" + (f": {reason}" if reason else ""))
        self.name = name
        self.source = source


def _ignore(_: str, __: str) -> None:
    """The default for callers who do not warn."""


class Template:
    """Substitution with one set of variables.

    `unset` is told the names that are blank for want of a value, and how each is written.
    """

    __slots__ = ("_expanded", "lookup", "unset")

    def __init__(self, lookup: Callable[[str], str | None], unset: Callable[[str, str], None] = _ignore) -> None:
        self.lookup = lookup
        self.unset = unset
        self._expanded = 0

    def substitute(self, text: str) -> str:
        """The text with its variables replaced. Raises InvalidTemplate, MissingRequired, ExcessiveExpansion."""
        return self._substitute(text, 0) if "$" in text else text

    def _substitute(self, text: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise InvalidTemplate(text)
        return "".join(part if isinstance(part, str) else self._expression(part, depth) for part in _parts(text))

    def _expression(self, expression: "_Expression", depth: int) -> str:
        value = self.lookup(expression.name)
        self._expanded += len(value or "")
        if self._expanded > MAX_EXPANSION:
            raise ExcessiveExpansion(expression.name)
        given = value is not None and (value != "" or not expression.operator.startswith(":"))
        match expression.operator[-1:]:
            case "":
                if value is None:
                    self.unset(expression.name, expression.source)
                return value or ""
            case "-":
                return value or "" if given else self._substitute(expression.argument, depth + 1)
            case "+":
                return self._substitute(expression.argument, depth + 1) if given else ""
            case _:
                if not given:
                    reason = self._substitute(expression.argument, depth + 1)
                    raise MissingRequired(expression.name, reason, expression.source)
                return value or ""


class _Expression:
    """What stands for a value: `$name`, `${name}`, `${name:-argument}`."""

    # No dataclass: fast commands import this, and each costs them half a millisecond.
    __slots__ = ("argument", "name", "operator", "source")

    def __init__(self, source: str, name: str, operator: str = "", argument: str = "") -> None:
        self.source = source
        self.name = name
        self.operator = operator
        self.argument = argument


def _parts(text: str) -> Iterator[str | _Expression]:
    """The text cut into literal parts and expressions. Raises InvalidTemplate."""
    position = line_end = last_brace = 0
    while (dollar := text.find("$", position)) >= 0:
        yield text[position:dollar]
        following = text[dollar + 1 : dollar + 2]
        position = dollar + 2
        if following == "$":
            yield "$"
        elif following == "{":
            if dollar >= line_end:
                newline = text.find("\n", dollar)
                line_end = newline if newline >= 0 else len(text)
                last_brace = text.rfind("}", dollar, line_end)
            expression, position = _braced(text, dollar, last_brace)
            yield expression
        elif name := _NAME.match(text, dollar + 1):
            yield _Expression(text[dollar : name.end()], name[0])
            position = name.end()
        else:
            yield "$"
            position = dollar + 1
    yield text[position:]


def _braced(text: str, dollar: int, last_brace: int) -> tuple[_Expression, int]:
    """The expression at a `${`, and where the text goes on. Raises InvalidTemplate."""
    name = _NAME.match(text, dollar + 2)
    if name is None or last_brace < name.end():
        raise InvalidTemplate(text, _first_line(text[dollar:]))
    end = _closing_brace(text, dollar, last_brace)
    if name.end() == end:
        return _Expression(text[dollar : end + 1], name[0]), end + 1
    operator = _OPERATOR.match(text, name.end())
    if operator is None:
        raise InvalidTemplate(text, text[dollar : end + 1])
    return _Expression(text[dollar : end + 1], name[0], operator[0], text[operator.end() : end]), end + 1


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _closing_brace(text: str, start: int, last: int) -> int:
    """Index of the brace that closes the first `{`, or `last`. As compose-go, blind to what follows a `{` at once."""
    depth, position = 0, start
    while brace := _BRACE.search(text, position, last + 1):
        position = brace.end()
        if brace[0] == "}":
            depth -= 1
            if depth == 0:
                return brace.start()
        else:
            depth += 1
            position += 1
            if depth > MAX_DEPTH:
                raise InvalidTemplate(text)
    return last


def with_variables(variables: Mapping[str, str]) -> Template:
    """A template over a plain mapping."""
    return Template(variables.get)


def invalid(place: str, error: InvalidTemplate, path: tuple[str | int, ...] = ()) -> Problem:
    """The message for a malformed text."""
    return Problem(
        f"invalid interpolation format for {place}.\nYou may need to escape any $ with another $.\n{str(error)[:200]}",
        path,
        kind=InterpolationError,
        hint="a `$` that stands for itself is written `$$`",
        needle=str(error),
        fragment=error.source,
    )


class Variable(NamedTuple):
    """A variable that a text refers to."""

    name: str
    required: bool = False
    default: str = ""
    alternative: str = ""


def variables_of(text: str) -> Iterator[Variable]:
    """The variables in a text, also those in defaults. Raises InvalidTemplate."""
    for part in _parts(text):
        if isinstance(part, _Expression):
            yield _variable(part.name, part.operator[-1:], part.argument)
            yield from variables_of(part.argument)


def _variable(name: str, operator: str, argument: str) -> Variable:
    match operator:
        case "-":
            return Variable(name, default=argument)
        case "+":
            return Variable(name, alternative=argument)
        case _:
            return Variable(name, required=operator == "?")
