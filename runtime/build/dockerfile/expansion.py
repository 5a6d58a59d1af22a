"""Variables in words of a Dockerfile, with quotes and escapes, as BuildKit's shell lexer reads them.

    $name ${name} ${name:-word} ${name-word} ${name:+word} ${name+word} ${name:?word} ${name?word}
    ${name#pattern} ${name##pattern} ${name%pattern} ${name%%pattern} ${name/pattern/text} ${name//pattern/text}

Source: Dockerfile reference, "Environment replacement"; BuildKit, frontend/dockerfile/shell/lex.go.
"""

from collections.abc import Callable, Mapping
from dataclasses import field

from runtime.build.dockerfile import patterns
from schemas.dataclass import dataclass

MAX_GROWTH = 1024 * 1024
"""Characters that variables may add to a text; the kernel takes an eighth of it in one argument (execve(2))."""
MAX_DEPTH = 50
_SPECIAL = frozenset("@*#?-$!0")


class ExpansionError(ValueError):
    """A word that cannot be expanded; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """An expanded text, and which variables it named."""

    text: str
    words: tuple[str, ...]
    """The text split at blanks that are not quoted."""
    matched: frozenset[str] = frozenset()
    unmatched: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Style:
    """What becomes of quotes, escapes and unknown variables."""

    escape: str = "\\"
    keep_quotes: bool = False
    keep_escapes: bool = False
    quotes_are_text: bool = False
    keep_unset: bool = False
    """Leave a variable that has no value as it is written."""


def expand(text: str, variables: Mapping[str, str], style: Style = Style()) -> Expansion:
    """Return the text with its variables replaced. Raises ExpansionError."""
    scan = _Scan(text, variables, style)
    whole, words = scan.until("", keep_escapes=style.keep_escapes)
    return Expansion(whole, tuple(words), frozenset(scan.matched), frozenset(scan.unmatched))


@dataclass(slots=True)
class _Words:
    """Words as they grow: blanks end one, unless they are quoted."""

    done: list[str] = field(default_factory=list)
    current: list[str] = field(default_factory=list)

    def split(self, text: str) -> None:
        for character in text:
            if character.isspace():
                self.end()
            else:
                self.current.append(character)

    def end(self) -> None:
        word = "".join(self.current)
        if word:
            self.done.append(word)
        self.current = []


class _Scan:
    """One pass over a text."""

    def __init__(self, text: str, variables: Mapping[str, str], style: Style) -> None:
        self._text = text
        self._position = 0
        self._variables = variables
        self._style = style
        self._keep_escapes = style.keep_escapes
        self._depth = 0
        self._length = 0
        self.matched: set[str] = set()
        self.unmatched: set[str] = set()

    def until(self, stop: str, *, keep_escapes: bool) -> tuple[str, list[str]]:
        """Read to `stop`, which is passed over, or to the end (empty)."""
        outer, self._keep_escapes = self._keep_escapes, keep_escapes
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpansionError(f"more than {MAX_DEPTH} levels of `${{…}}`")
        try:
            return self._until(stop)
        finally:
            self._keep_escapes = outer
            self._depth -= 1

    def _until(self, stop: str) -> tuple[str, list[str]]:
        parts: list[str] = []
        words = _Words()
        quoting = {} if self._style.quotes_are_text else {"'": self._single_quoted, '"': self._double_quoted}
        while character := self._peek():
            if character == stop:
                self._position += 1
                words.end()
                return "".join(parts), words.done
            if character == "$":
                part = self._variable()
                words.split(part)
            elif character in quoting:
                part = quoting[character]()
                words.current.append(part)
            elif character == "<":
                part = self._redirection()
                words.current.append(part)
            else:
                part = self._plain(words)
            self._count(part)
            parts.append(part)
        if stop:
            raise ExpansionError(f"unexpected end of statement while looking for matching `{stop}`")
        words.end()
        return "".join(parts), words.done

    def _plain(self, words: _Words) -> str:
        character = self._next()
        if character != self._style.escape:
            words.split(character)
            return character
        kept = character if self._keep_escapes else ""
        escaped = self._next()
        words.current.append(kept + escaped)
        return kept + escaped

    def _single_quoted(self) -> str:
        begin = self._position
        end = self._text.find("'", begin + 1)
        if end < 0:
            raise ExpansionError("unexpected end of statement while looking for matching single-quote")
        self._position = end + 1
        return self._text[begin : end + 1] if self._style.keep_quotes else self._text[begin + 1 : end]

    def _double_quoted(self) -> str:
        self._position += 1
        quote = '"' if self._style.keep_quotes else ""
        parts = [quote]
        while character := self._peek():
            if character == '"':
                self._position += 1
                return "".join([*parts, quote])
            if character == "$":
                parts.append(self._variable())
            else:
                parts.append(self._quoted_character())
        raise ExpansionError("unexpected end of statement while looking for matching double-quote")

    def _quoted_character(self) -> str:
        """Within double quotes an escape takes quote, dollar and itself, and stays before anything else."""
        character = self._next()
        if character != self._style.escape:
            return character
        kept = character if self._keep_escapes else ""
        following = self._peek()
        if not following:
            return kept
        if following in ('"', "$", self._style.escape):
            return kept + self._next()
        return kept + character

    def _redirection(self) -> str:
        """`<<` and blanks after it stay together with the word that follows: a here-document."""
        self._position += 1
        if self._peek() != "<":
            return "<"
        self._position += 1
        begin = self._position
        while self._peek() in ("\t", "\r", " "):
            self._position += 1
        return "<<" + self._text[begin : self._position]

    def _variable(self) -> str:
        self._position += 1
        if self._peek() == "{":
            self._position += 1
            return self._braced()
        name = self._name()
        if not name:
            return "$"
        value = self._value(name)
        if value is None:
            return f"${name}" if self._style.keep_unset else ""
        return value

    def _braced(self) -> str:
        first = self._peek()
        if not first:
            raise ExpansionError("syntax error: missing `}`")
        if first in "{}:":
            raise ExpansionError("syntax error: bad substitution")
        name = self._name()
        modifier = self._next()
        if not modifier:
            raise ExpansionError("syntax error: missing `}`")
        if modifier == "}":
            value = self._value(name)
            if value is None:
                return f"${{{name}}}" if self._style.keep_unset else ""
            return value
        if modifier == "/":
            return self._replaced(name)
        if modifier == ":":
            modifier += self._next()
        apply = _MODIFIERS.get(modifier)
        if apply is None:
            raise ExpansionError(f"unsupported modifier `{modifier}` in substitution")
        word = self._operand("}", keep_escapes=modifier in "#%")
        value = self._value(name)
        if value is None and self._style.keep_unset:
            return f"${{{name}{modifier}{word}}}"
        return apply(name, value, word)

    def _replaced(self, name: str) -> str:
        everywhere = self._peek() == "/"
        self._position += everywhere
        pattern = self._operand("/", keep_escapes=True)
        text = self._operand("}", keep_escapes=True)
        value = self._value(name)
        if value is None and self._style.keep_unset:
            return f"${{{name}/{pattern}/{text}}}"
        try:
            return patterns.substitute(pattern, value or "", text, everywhere=everywhere)
        except ValueError as error:
            raise ExpansionError(f"invalid pattern `{pattern}` in substitution: {error}") from error

    def _operand(self, stop: str, *, keep_escapes: bool) -> str:
        try:
            return self.until(stop, keep_escapes=keep_escapes)[0]
        except ExpansionError:
            if not self._peek() and self._depth < MAX_DEPTH:
                raise ExpansionError(f"syntax error: missing `{stop}` in `${{…}}`") from None
            raise

    def _name(self) -> str:
        first = self._peek()
        begin = self._position
        if first.isdecimal():
            while self._peek().isdecimal():
                self._position += 1
        elif first and first in _SPECIAL:
            self._position += 1
        else:
            while self._peek() == "_" or self._peek().isalpha() or self._peek().isdecimal():
                self._position += 1
        return self._text[begin : self._position]

    def _value(self, name: str) -> str | None:
        value = self._variables.get(name)
        (self.unmatched if value is None else self.matched).add(name)
        return value

    def _count(self, part: str) -> None:
        self._length += len(part)
        if self._length > MAX_GROWTH + MAX_DEPTH * len(self._text):
            raise ExpansionError(f"its variables are longer than {MAX_GROWTH // 1024} KiB")

    def _peek(self) -> str:
        return self._text[self._position : self._position + 1]

    def _next(self) -> str:
        character = self._peek()
        self._position += 1
        return character


def _default(when_empty: bool) -> Callable[[str, str | None, str], str]:
    return lambda _, value, word: word if value is None or (when_empty and not value) else value


def _alternative(when_empty: bool) -> Callable[[str, str | None, str], str]:
    return lambda _, value, word: "" if value is None or (when_empty and not value) else word


def _required(when_empty: bool) -> Callable[[str, str | None, str], str]:
    def apply(name: str, value: str | None, word: str) -> str:
        if value is None:
            raise ExpansionError(f"{name}: {word or 'is not allowed to be unset'}")
        if when_empty and not value:
            raise ExpansionError(f"{name}: {word or 'is not allowed to be empty'}")
        return value

    return apply


def _trimmed(trim: Callable[..., str], sign: str) -> Callable[[str, str | None, str], str]:
    def apply(_: str, value: str | None, word: str) -> str:
        longest = word.startswith(sign)
        try:
            return trim(word[longest:], value or "", longest=longest)
        except ValueError as error:
            raise ExpansionError(f"invalid pattern `{word}` in substitution: {error}") from error

    return apply


_MODIFIERS: dict[str, Callable[[str, str | None, str], str]] = {
    "-": _default(False),
    ":-": _default(True),
    "+": _alternative(False),
    ":+": _alternative(True),
    "?": _required(False),
    ":?": _required(True),
    "#": _trimmed(patterns.trim_prefix, "#"),
    "%": _trimmed(patterns.trim_suffix, "%"),
}
