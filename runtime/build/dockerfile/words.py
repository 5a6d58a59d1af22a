"""One instruction's text taken apart: its name, its flags, its arguments in the forms instructions have.

Source: BuildKit, frontend/dockerfile/parser/{split_command,line_parsers}.go. Nothing is expanded here, quotes stay.
"""

import json
import re

from schemas.dataclass import dataclass

_BLANKS = re.compile(r"[\t\v\f\r ]+")


class WordError(ValueError):
    """Arguments that cannot be read; the message is for the user."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Command:
    """`NAME --flag=value … rest`."""

    name: str
    flags: tuple[str, ...]
    rest: str


def split_command(text: str, escape: str) -> Command:
    """Return an instruction's name, the words before its first argument that begin with `--`, and what remains."""
    name, *rest = _BLANKS.split(text.strip(), maxsplit=1)
    if not rest:
        return Command(name, (), "")
    flags, arguments = _split_flags(rest[0], escape)
    return Command(name, tuple(flags), arguments.strip())


def _split_flags(text: str, escape: str) -> tuple[list[str], str]:
    flags: list[str] = []
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if not text.startswith("--", position):
            return flags, text[position:]
        word, position = _flag(text, position, escape)
        if word == "--":
            return flags, text[position:]
        flags.append(word)


def _flag(text: str, position: int, escape: str) -> tuple[str, int]:
    """The flag that begins here, without its quotes, and where it ends."""
    word = []
    quote = ""
    while position < len(text):
        character = text[position]
        if character == quote:
            quote = ""
        elif not quote and character.isspace():
            break
        elif not quote and character in "'\"":
            quote = character
        elif character == escape:
            position += 1
            word.append(text[position : position + 1])
        else:
            word.append(character)
        position += 1
    return "".join(word), position


def split_words(text: str, escape: str) -> list[str]:
    """Return the words, split at blanks outside quotes; quotes and escapes stay as they are."""
    words = []
    word: list[str] = []
    quote = ""
    position = 0
    while position < len(text):
        character = text[position]
        position += 1
        if not quote and character.isspace():
            if word:
                words.append("".join(word))
            word = []
            continue
        if character == escape and quote != "'":
            if position < len(text):
                word += [character, text[position]]
                position += 1
            continue
        if character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        word.append(character)
    if word:
        words.append("".join(word))
    return words


def split_blanks(text: str) -> list[str]:
    """Return the words, split at blanks, quotes or not."""
    return _BLANKS.split(text) if text else []


def json_strings(text: str) -> tuple[str, ...] | None:
    """Return the words of a JSON array, None where the text is none. Raises WordError for other than strings."""
    if not text.lstrip().startswith("["):
        return None
    try:
        values = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(value, str) for value in values):
        raise WordError("when using JSON array syntax, arrays must be comprised of strings only")
    return tuple(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for value in values)


@dataclass(frozen=True, slots=True)
class NamedValue:
    """`name=value`, or `name value` (spaced)."""

    name: str
    value: str
    spaced: bool = False


def named_values(instruction: str, text: str, escape: str) -> list[NamedValue]:
    """Return the pairs of ENV and LABEL. Raises WordError."""
    words = split_words(text, escape)
    if not words:
        raise WordError(f"{instruction} requires at least one argument")
    if "=" not in words[0]:
        name, *value = _BLANKS.split(text, maxsplit=1)
        if not value:
            raise WordError(f"{instruction} must have two arguments", f"write `{instruction} {name}=value`")
        return [NamedValue(name, value[0], spaced=True)]
    return [_named_value(instruction, word) for word in words]


def _named_value(instruction: str, word: str) -> NamedValue:
    name, equals, value = word.partition("=")
    if not equals:
        raise WordError(
            f"syntax error - can't find = in `{word}`, must be of the form: name=value",
            "a value with blanks needs quotes",
        )
    if not name:
        raise WordError(f"{instruction} names can not be blank")
    return NamedValue(name, value)


def _no_constant(name: str) -> object:
    raise ValueError(f"`{name}` is not JSON")
