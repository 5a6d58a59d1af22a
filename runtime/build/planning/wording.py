"""History and titles of steps, in the words of BuildKit (which are those of Go's fmt)."""

import contextlib
import sys
from collections.abc import Iterable, Mapping

from runtime.build.dockerfile.durations import format_duration
from runtime.build.dockerfile.expansion import ExpansionError, Style, expand
from runtime.build.dockerfile.instructions import Healthcheck

_ESCAPES = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
_RUNE_ESCAPES = {"'": r"\'", '"': '"'}
_PLAIN_TITLE = Style()
_RUN_TITLE = Style(keep_quotes=True, keep_unset=True)


def quoted(text: str) -> str:
    """Return a text as Go's %q writes it."""
    return '"' + "".join(_quoted_character(character) for character in text) + '"'


def quoted_list(texts: Iterable[str]) -> str:
    """Return a list as Go's %q writes it: `["a" "b"]`."""
    return f"[{' '.join(map(quoted, texts))}]"


def plain_list(texts: Iterable[str]) -> str:
    """Return a list as Go's %v writes it: `[a b]`."""
    return f"[{' '.join(texts)}]"


def health(check: Healthcheck) -> str:
    """Return a health check as Go's %q writes it: the number of retries as the character that has it."""
    times = (check.interval_ns, check.timeout_ns, check.start_period_ns, check.start_interval_ns)
    parts = [quoted_list(check.test), *(quoted(format_duration(value)) for value in times)]
    return f"&{{{' '.join(parts)} {_quoted_rune(check.retries)}}}"


def run(arguments: Iterable[str], build_args: Mapping[str, str]) -> str:
    """Return the history of RUN: the build arguments in scope, counted, and the argument vector."""
    prefix = [f"|{len(build_args)}", *(f"{name}={value}" for name, value in build_args.items())] if build_args else []
    return f"RUN {' '.join([*prefix, *arguments])} # buildkit"


def title(text: str, variables: Mapping[str, str], *, escape: str, is_run: bool = False) -> str:
    """Return an instruction for people: its name in capitals, its variables expanded where that is possible."""
    style = _RUN_TITLE if is_run else _PLAIN_TITLE
    with contextlib.suppress(ExpansionError):
        text = expand(text, variables, Style(escape, style.keep_quotes, keep_unset=style.keep_unset)).text
    name, blank, rest = text.partition(" ")
    return name.upper() + blank + rest


def summary(content: str) -> str:
    """Return the first line of a here-document, with dots where there are more."""
    lines = content.strip().replace("\r\n", "\n").split("\n")
    return lines[0] + ("..." if len(lines) > 1 else "")


def _quoted_rune(number: int) -> str:
    # A number that is no character is written as U+FFFD.
    character = chr(number) if number <= sys.maxunicode and not 0xD800 <= number < 0xE000 else "\ufffd"
    return f"'{_RUNE_ESCAPES.get(character) or _quoted_character(character)}'"


def _quoted_character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
