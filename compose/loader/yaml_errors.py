"""What the YAML parser could not read, in words that help: the place where it went wrong, and what usually does.

Knows nothing of the parser but its words, which are libyaml's.
"""

import re
from collections.abc import Callable
from typing import NamedTuple, Protocol

from compose.errors import ComposeFileError, Span
from compose.loader.places import Extent, Source
from compose.loader.shapes import nearest

_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.1 calls not printable."""

_KEY_AND_VALUE = re.compile(r"[\s-]*([A-Za-z_][\w.-]*):(?!//)([^\s:]+)\s*")
_LINES_BACK = 100
_NOT_CLOSED = "the quote that begins here is not closed"
_BRACKET = re.compile(r"[\[\]{}]")
_TAB = "YAML indents with spaces only"


class Position(Protocol):
    """A line and a column, counted from 0."""

    @property
    def line(self) -> int:
        """The line."""

    @property
    def column(self) -> int:
        """The column."""


class Mark(NamedTuple):
    """A position found here."""

    line: int
    column: int


def syntax_error(
    source: Source, problem: str, mark: Position | None, context: str = "", opened: Position | None = None
) -> ComposeFileError:
    """Return the error for a problem at a mark, met while something was read that was `opened` before."""
    if mark is None:
        return ComposeFileError(f"yaml: {problem}", span=source.span(Extent(0, 0, 0, 1)))
    earlier = opened is not None and opened.line < mark.line
    told = f"{context} that begins in line {opened.line + 1}" if opened is not None and earlier else ""
    if opened is not None and earlier and ("end of stream" in problem or "expected ':'" in problem):
        # The end of the file says nothing, nor does the next line; what was not closed does.
        mark = opened
    elif "flow" in context and _is_blank(source, mark.line):
        mark = _unclosed(source) or mark
    quote = _open_quote(source, mark)
    mark = quote or mark
    span = source.span(_extent(source, mark))
    rest, before = span.text[span.column - 1 :], span.text[: span.column - 1]
    if "undefined alias" in problem:
        return _unknown_anchor(source, span)
    if "cannot start any token" in problem and "\t" in span.text[: span.column]:
        return ComposeFileError("yaml: a tab cannot indent", span=span, hint=_TAB)
    hint = _NOT_CLOSED if quote else next((tell(before, rest) for words, tell in _HINTS if words in problem), "")
    if "mapping values" in problem:
        hint = _missing_blank(source, mark.line - 1) or hint
    return ComposeFileError(f"yaml: {problem}", span=span, context=told, hint=hint)


def no_text(file: str, data: bytes, position: int, reason: str, hint: str = "") -> ComposeFileError:
    """Return the error for a byte that no Compose file may hold."""
    begin = data.rfind(b"\n", 0, position) + 1
    line = data[begin:].partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    column = len(data[begin:position].decode("utf-8", "replace")) + 1
    span = Span(file, data.count(b"\n", 0, position) + 1, column, line)
    return ComposeFileError(f"yaml: {reason}", span=span, hint=hint)


def unreadable(source: Source, problem: str) -> ComposeFileError:
    """Return the error for a text that the parser gave up without a mark, for a control character in it mostly."""
    found = _CONTROL.search(source.text)
    if found is None:
        return syntax_error(source, problem, None)
    data = source.text.encode("utf-8", "surrogatepass")
    position = len(source.text[: found.start()].encode("utf-8", "surrogatepass"))
    return no_text(source.file, data, position, "control characters are not allowed", _quoted(found[0]))


def _quoted(character: str) -> str:
    return f'a text in double quotes can hold it as `"\\x{ord(character):02x}"`' if 0 < ord(character) < 256 else ""


def foreign_version(source: Source, position: int) -> ComposeFileError:
    """Return the error for a `%YAML` directive with another version than 1.1."""
    line = source.text.count("\n", 0, position)
    end = len(source.lines[line].rstrip())
    hint = "delete the line; docker compose refuses it too, though it reads YAML 1.2"
    span = source.span(Extent(line, 0, line, end))
    return ComposeFileError("yaml: found incompatible YAML document", span=span, hint=hint)


def _unclosed(source: Source) -> Mark | None:
    """The last bracket that nothing closes; those in texts and comments are taken for others."""
    opened: list[tuple[int, int]] = []
    for number, line in enumerate(source.lines):
        for bracket in _BRACKET.finditer(line):
            if bracket[0] in "[{":
                opened.append((number, bracket.start()))
            elif opened:
                opened.pop()
    return Mark(*opened[-1]) if opened else None


def _open_quote(source: Source, mark: Position) -> Mark | None:
    """The quote in a line before that the one right before the mark was taken to close."""
    before = source.lines[mark.line][: mark.column].rstrip() if mark.line < len(source.lines) else ""
    quote = before[-1:]
    if quote not in ("'", '"') or before.count(quote) % 2 == 0:
        return None
    for number in reversed(range(max(0, mark.line - _LINES_BACK), mark.line)):
        if source.lines[number].count(quote) % 2:
            return Mark(number, source.lines[number].rindex(quote))
    return None


def _missing_blank(source: Source, line: int) -> str:
    """What to do about `image:nginx`, which is a text, and no key with a value."""
    found = _KEY_AND_VALUE.fullmatch(source.lines[line]) if line >= 0 else None
    return f"in line {line + 1} a blank is missing behind the `:`, as in `{found[1]}: {found[2]}`" if found else ""


def _is_blank(source: Source, line: int) -> bool:
    return line >= len(source.lines) or not source.lines[line].strip()


def _extent(source: Source, mark: Position) -> Extent:
    """The character at a mark; where nothing is there, the last one before."""
    line = mark.line
    if not _is_blank(source, line):
        return Extent(line, mark.column, line, mark.column + 1)
    while line > 0 and _is_blank(source, line):
        line -= 1
    end = len(source.lines[line].rstrip()) if source.lines else 0
    return Extent(line, max(0, end - 1), line, end)


def _unknown_anchor(source: Source, span: Span) -> ComposeFileError:
    found = re.match(r"\*?([^\s,\]}]*)", span.text[span.column - 1 :])
    name = found[1] if found else ""
    anchors = tuple(dict.fromkeys(re.findall(r"(?:^|[\s\[{,])&([^\s,\[\]{}]+)", source.text)))
    defined = re.search(rf"(?:^|[\s\[{{,])&{re.escape(name)}(?![^\s,\[\]{{}}])", source.text)
    if defined:
        hint = f"`&{name}` in line {source.text.count(chr(10), 0, defined.end()) + 1} has to come before its aliases"
    else:
        hint = nearest(name, anchors) or "an anchor, `&name`, comes before the alias, in the same file"
    whole = Span(span.file, span.line, span.column, span.text, len(name) + 1)
    return ComposeFileError(f"yaml: unknown anchor '{name}' referenced", span=whole, hint=hint)


def _for_colon(before: str, _: str) -> str:
    if re.fullmatch(r"[\s-]*[\w.-]+", before):
        return "is the line indented too far, or is something missing in the line above?"
    return "a text that holds `: ` needs quotes around it"


def _always(text: str) -> Callable[[str, str], str]:
    return lambda _, __: text


_HINTS: tuple[tuple[str, Callable[[str, str], str]], ...] = (
    ("mapping values are not allowed", _for_colon),
    ("cannot start any token", _always("a value that begins so needs quotes around it")),
    ("did not find expected key", _always("keys of one mapping begin in one column; the line is indented differently")),
    ("did not find expected '-'", _always("items of one list begin in one column; the line is indented differently")),
    ("block sequence entries are not allowed", _always("a list begins on the line below its key")),
    ("expected ',' or", lambda _, rest: f"`{rest[:1]}` is not closed" if rest[:1] in "[{" else "a `,` is missing"),
    ("expected node content", lambda _, rest: f"`{rest[:1]}` is not closed" if rest[:1] in "[{" else ""),
    ("unknown escape", _always("in double quotes a backslash is written twice; in single quotes it is itself")),
    ("unexpected end of stream", _always(_NOT_CLOSED)),
    (
        "could not find expected ':'",
        lambda _, rest: (
            f"{'`-`' if rest[:1] == '-' else 'a key'} is followed by {'' if rest[:1] == '-' else '`:` and '}a blank"
        ),
    ),
    ("tab", _always(_TAB)),
)
