"""From a Dockerfile's text to its logical lines: comments dropped, continuations joined, here-documents attached.

Source: Dockerfile reference, "Format", "Here-Documents"; BuildKit, frontend/dockerfile/parser/parser.go.
"""

import re
from collections.abc import Callable, Sequence

from runtime.build.dockerfile.expansion import ExpansionError, Style, expand
from runtime.build.dockerfile.instructions import Heredoc
from schemas.dataclass import dataclass

MAX_LINE = 64 * 1024 - 1
"""Characters; BuildKit's scanner takes as many bytes."""
_HEREDOC = re.compile(r"([0-9]*)<<(-?)\s*([^<]*)", re.ASCII)
_KEEP_ALL = Style(keep_quotes=True, keep_escapes=True, keep_unset=True)


class LineError(ValueError):
    """Lines that are no instruction; the numbers count from 1."""

    def __init__(self, message: str, first: int, last: int, hint: str = "") -> None:
        super().__init__(message)
        self.first = first
        self.last = last
        self.hint = hint


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """An instruction's text with its place and what belongs to it."""

    text: str
    first: int
    last: int
    """Of its here-documents, where it has some."""
    comments: tuple[str, ...]
    heredocs: tuple[Heredoc, ...]
    has_empty_line: bool = False
    """An empty line stands between its continuations."""


class LineReader:
    """Reads logical lines one after another."""

    def __init__(self, lines: Sequence[str], escape: str, takes_heredocs: Callable[[str], bool], skip: int = 0) -> None:
        """`lines` have their line ends, the first `skip` are passed over.

        `takes_heredocs` tells whether an instruction may have here-documents.
        """
        self._lines = lines
        self._takes_heredocs = takes_heredocs
        self._next = skip
        mark = re.escape(escape)
        self._continuation = re.compile(rf"(?<!{mark}){mark}[ \t]*\Z")

    def read(self) -> LogicalLine | None:
        """Return the next one, None at the end. Raises LineError."""
        comments: list[str] = []
        while self._next < len(self._lines):
            line = self._take().lstrip()
            if line.startswith("#"):
                comment = line[1:].strip()
                comments = [*comments, comment] if comment else []
                continue
            text, ends = self._without_continuation(line)
            if text or not ends:
                return self._read_rest(text, ends, tuple(comments))
        return None

    def _read_rest(self, text: str, ends: bool, comments: tuple[str, ...]) -> LogicalLine:
        first = self._next
        parts = [text]
        has_empty = False
        while not ends and self._next < len(self._lines):
            line = self._take()
            stripped = line.lstrip()
            if stripped.startswith("#"):
                continue
            if not stripped:
                has_empty = True
                continue
            text, ends = self._without_continuation(line)
            parts.append(text)
        whole = "".join(parts)
        heredocs: list[Heredoc] = []
        if "<<" in whole and self._takes_heredocs(whole):
            heredocs = [self._read_heredoc(heredoc, first) for heredoc in heredocs_in(whole)]
        return LogicalLine(whole, first, self._next, comments, tuple(heredocs), has_empty)

    def _read_heredoc(self, heredoc: Heredoc, first: int) -> Heredoc:
        content: list[str] = []
        while self._next < len(self._lines):
            line = self._lines[self._next]
            self._take()
            bare = line.rstrip("\r\n")
            if (bare.lstrip("\t") if heredoc.strip_tabs else bare) == heredoc.name:
                return Heredoc(heredoc.name, "".join(content), heredoc.expand, heredoc.strip_tabs, heredoc.descriptor)
            content.append(line)
        hint = f"it ends at a line that is `{heredoc.name}` and nothing else"
        raise LineError(f"unterminated heredoc `{heredoc.name}`", first, first, hint)

    def _take(self) -> str:
        line = self._lines[self._next].rstrip("\r\n")
        self._next += 1
        if len(line) > MAX_LINE:
            raise LineError(f"line is longer than the {MAX_LINE} characters that are allowed", self._next, self._next)
        return line

    def _without_continuation(self, line: str) -> tuple[str, bool]:
        """The line without its continuation mark, and whether the instruction ends with it."""
        match = self._continuation.search(line)
        return (line, True) if match is None else (line[: match.start()], False)


def split_lines(text: str) -> list[str]:
    """Return the lines with their ends; only a line feed ends one."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def heredocs_in(line: str) -> list[Heredoc]:
    """Return the here-documents that a line announces, still empty."""
    try:
        words = expand(line, {}, _KEEP_ALL).words
    except ExpansionError:
        return []
    return [heredoc for word in words if (heredoc := parse_heredoc(word)) is not None]


def parse_heredoc(word: str) -> Heredoc | None:
    """Return the here-document that a word such as `<<-EOT` or `3<<"EOT"` announces; None for any other word."""
    match = _HEREDOC.fullmatch(word)
    if match is None or not match[3]:
        return None
    try:
        plain = expand(match[3], {}, Style(keep_unset=True)).words
        quoted = expand(match[3], {}, Style(keep_unset=True, keep_quotes=True)).words
    except ExpansionError:
        return None
    if len(plain) != 1 or len(quoted) != 1:
        return None
    return Heredoc(
        name=plain[0],
        content="",
        expand=_quotes(plain[0]) == _quotes(quoted[0]),
        strip_tabs=match[2] == "-",
        descriptor=int(match[1] or 0) if len(match[1]) < 10 else 0,
    )


def _quotes(word: str) -> int:
    return word.count("'") + word.count('"')
