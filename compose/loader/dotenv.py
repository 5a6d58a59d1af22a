"""`.env`, `env_file` and `label_file`.

`K=V`, `K: V`, `export K=V`, a bare `K` (inherited), comments, '…' literal, "…" with escapes and
variables, values over several lines. Source: compose-spec, 05-services.md; compose-go, dotenv/parser.go.
"""

import re
from collections.abc import Callable, Mapping

from compose.errors import ComposeError, ComposeFileError, ErrorGroup, Span
from compose.loader.template import InvalidTemplate, MissingRequired, Template, TemplateError

Lookup = Callable[[str], str | None]

_EXPORT = re.compile(r"export[ \t\r\v\f]+")
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0\d{0,3})')
_BYTE = re.compile("[0-3][0-7]{2}")
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "$": "$$",
}
_BLANK = "\t\v\f\r \x85\xa0"
_MAX_ERRORS = 20
"""Wrong lines that are told; a file that has more is no env file."""

_IN_NAMES = frozenset("_.-[]")


class DotenvError(ComposeFileError):
    """A line that is no assignment."""

    code = "invalid-env-file"


def parse(
    text: str,
    file: str,
    lookup: Lookup,
    known: Mapping[str, str] | None = None,
    lines: dict[str, int] | None = None,
) -> dict[str, str]:
    """The variables of a file, in its order.

    `lookup` comes before the file's own variables (and `known`, those of files before it) where a
    value refers to a variable. `lines` is filled: the line that sets each of them. Raises DotenvError with its place.
    """
    parser = _Parser(text, file, lookup, known or {}, {} if lines is None else lines)
    parser.run()
    return parser.variables


def parse_raw(text: str, lookup: Lookup) -> dict[str, str]:
    """`env_file` with `format: raw`: what follows `=` is the value, whatever it is; a bare name is inherited."""
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    pairs = (
        (name.strip(), value if separator else lookup(name.strip())) for name, separator, value in map(_cut, lines)
    )
    return {name: value for name, value in pairs if value is not None}


def _cut(line: str) -> tuple[str, str, str]:
    return line.partition("=")


def decode(data: bytes) -> str:
    """A file's text without byte order mark; CRLF and CR stay, they are blank."""
    return data.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n")


class _Parser:
    """Walks the text once; `_position` is always at a statement or in it."""

    def __init__(self, text: str, file: str, lookup: Lookup, known: Mapping[str, str], lines: dict[str, int]) -> None:
        self.variables: dict[str, str] = {}
        self._lines = lines
        self._counted = (0, 1)
        """A position, and its line."""
        self._text = text
        self._file = file
        self._lookup = lookup
        self._known = known
        self._position = 0
        self._template = Template(self._resolve)

    def _resolve(self, name: str) -> str | None:
        value = self._lookup(name)
        return value if value is not None else self.variables.get(name, self._known.get(name))

    def run(self) -> None:
        """Raises DotenvError, or ErrorGroup for several lines that are wrong."""
        if "\0" in self._text:
            raise self._error("the character NUL is not allowed", self._text.index("\0"))
        errors: list[ComposeError] = []
        while len(errors) < _MAX_ERRORS and self._next_statement():
            start = self._position
            try:
                self._statement()
            except DotenvError as error:
                errors.append(error)
                self._skip_line(start)
        if errors:
            raise errors[0] if len(errors) == 1 else ErrorGroup(errors)

    def _statement(self) -> None:
        line, start = self._line(), self._position
        name, inherited = self._name()
        if " " in name:
            hint = "expected `NAME=value`; a comment begins with `#`"
            raise self._error("key cannot contain a space", self._text.index(name, start), len(name), hint)
        if inherited:
            value = self._lookup(name)
            if value is None:
                return
            self.variables[name] = value
        else:
            self.variables[name] = self._value()
        self._lines[name] = line

    def _skip_line(self, start: int) -> None:
        """Go on after the line that is wrong, whatever of it was read."""
        if self._position == start or self._text[self._position - 1 : self._position] != "\n":
            end = self._text.find("\n", self._position)
            self._position = len(self._text) if end < 0 else end

    def _line(self) -> int:
        """The line of the position, counted on from the last one asked for."""
        position, line = self._counted
        self._counted = (self._position, line + self._text.count("\n", position, self._position))
        return self._counted[1]

    def _next_statement(self) -> bool:
        while self._position < len(self._text):
            if self._text[self._position].isspace():
                self._position += 1
            elif self._text[self._position] == "#":
                end = self._text.find("\n", self._position)
                self._position = len(self._text) if end < 0 else end
            else:
                return True
        return False

    def _name(self) -> tuple[str, bool]:
        """The name before `=` or `:`, or a bare one to inherit."""
        text = self._text
        if match := _EXPORT.match(text, self._position):
            self._position = match.end()
        start = self._position
        for index in range(start, len(text)):
            character = text[index]
            if character in "=:\n":
                break
            if not (character in _BLANK or character in _IN_NAMES or character.isalpha() or character.isnumeric()):
                line = text[start:].partition("\n")[0]
                hint = "a name consists of letters, digits, `_`, `.` and `-`"
                raise self._error(f'unexpected character "{character}" in variable name "{line}"', index, hint=hint)
        else:
            return self._last_name(start)
        self._position = index + 1
        while self._position < len(text) and text[self._position] in _BLANK:
            self._position += 1
        return text[start:index].rstrip(), character == "\n"

    def _last_name(self, start: int) -> tuple[str, bool]:
        """A bare name at the end of a text without final newline; inherited as any other."""
        self._position = len(self._text)
        return self._text[start:].rstrip(), True

    def _value(self) -> str:
        quote = self._text[self._position : self._position + 1]
        if quote in ("'", '"') and quote:
            return self._quoted(quote)
        start = self._position
        end = self._text.find("\n", start)
        line = self._text[start : end if end >= 0 else len(self._text)]
        self._position += len(line) + 1
        return self._expand(line.partition(" #")[0].rstrip(), start)

    def _quoted(self, quote: str) -> str:
        start = self._position
        characters: list[str] = []
        escaped = False
        for index in range(start + 1, len(self._text)):
            character = self._text[index]
            if character == quote and not escaped:
                self._position = index + 1
                value = "".join(characters)
                return self._expand(_ESCAPE.sub(_unescape, value), start) if quote == '"' else value
            if character == "\\" and not escaped:
                escaped = True
                continue
            if escaped and character != quote:
                characters.append("\\")
            escaped = False
            characters.append(character)
        line = self._text[start:].partition("\n")[0]
        self._position = len(self._text)
        hint = f"the closing {quote} is missing"
        raise self._error(f"unterminated quoted value {line}", start, len(line), hint)

    def _expand(self, value: str, start: int) -> str:
        try:
            return self._template.substitute(value)
        except InvalidTemplate as error:
            hint = "in single quotes a `$` stands for itself"
            raise self._in_value(f'Invalid template: "{error}"', start, error.source, hint) from None
        except MissingRequired as error:
            hint = f"set `{error.name}` in the shell, or above this line"
            raise self._in_value(str(error), start, error.source, hint) from None
        except TemplateError as error:
            # What follows would be told again and again.
            self._position = len(self._text)
            raise self._error(str(error), start) from None

    def _in_value(self, message: str, start: int, source: str, hint: str) -> DotenvError:
        """The error about a part of a value, which is not found where the value has escapes."""
        return self._error(message, max(start, self._text.find(source, start, self._position)), len(source), hint)

    def _error(self, message: str, position: int, length: int = 1, hint: str = "") -> DotenvError:
        line = self._text.count("\n", 0, position) + 1
        begin = self._text.rfind("\n", 0, position) + 1
        text = self._text[begin:].partition("\n")[0]
        column = position - begin + 1
        span = Span(self._file, line, column, text, max(1, min(length, len(text) - column + 1)))
        return DotenvError(f"failed to read {self._file}: line {line}: {message}", span=span, hint=hint)


def _unescape(match: re.Match[str]) -> str:
    text = match[0]
    if text[1] != "0":
        return _ESCAPES.get(text[1], text)
    digits = text[2:]
    return chr(int(digits, 8)) if _BYTE.fullmatch(digits) else text
