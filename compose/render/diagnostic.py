"""Errors and warnings as text: what is wrong, where, and what to do about it.

    error: service `web` depends on undefined service `db`
      --> /srv/shop/compose.yaml:5:7
       |
     5 |       - db
       |         ^^
    hint: did you mean `dbs`?

Nothing here imports rich: an error must not take longer than the work that failed.
"""

from typing import TextIO

from compose import errors
from compose.errors import ComposeError, ErrorGroup, Span
from compose.render.cells import cells
from compose.render.mode import columns, has_colour
from compose.render.text import escaped, middle_ellipsis

_RED, _YELLOW, _BLUE, _CYAN, _BOLD, _RESET = "\x1b[31;1m", "\x1b[33;1m", "\x1b[34;1m", "\x1b[36m", "\x1b[1m", "\x1b[0m"
_MAX_LINE = 160
"""Columns that are shown of a line; on a terminal, as many as it has."""

_MIN_LINE = 20

_MAX_TEXT = 1000
"""Characters of a line of a message: it may quote a value of megabytes."""

MAX_SHOWN = 20
"""Errors of one run that are printed: who mends them runs it again."""


def render(error: ComposeError, *, color: bool | None = None, ansi: str = "auto", stream: TextIO | None = None) -> str:
    """Return an error, all of its parts, without final newline; of a group the first ones.

    Colours as `color` says, else as `--ansi` and the stream that the text is for say.
    """
    paint = _Paint(color if color is not None else stream is not None and has_colour(ansi, stream), stream)
    if not isinstance(error, ErrorGroup):
        return _finding(error, paint("error:", _RED), paint)
    shown = [_finding(each, paint("error:", _RED), paint) for each in error.errors[:MAX_SHOWN]]
    more = len(error.errors) - len(shown)
    total = ("more than " if error.more else "") + f"{len(error.errors)} errors"
    total += f", {more} more than are shown" if more else ""
    return "\n\n".join([*shown, paint(total, _RED)])


def render_warning(warning: "errors.Warning", *, colour: bool = False, stream: TextIO | None = None) -> str:
    """Return a warning with its place and hint, without final newline, as wide as the terminal `stream` goes to."""
    paint = _Paint(colour, stream)
    return _finding(warning, paint("warning:", _YELLOW), paint)


class _Paint:
    """Colours a text, or does not; knows how much of a line there is room for."""

    def __init__(self, colour: bool, stream: TextIO | None) -> None:
        self._colour = colour
        self.columns = columns(stream, _MAX_LINE) if stream is not None else _MAX_LINE

    def __call__(self, text: str, code: str) -> str:
        return f"{code}{text}{_RESET}" if self._colour and text else text


def _finding(found: "ComposeError | errors.Warning", label: str, paint: _Paint) -> str:
    first, *rest = found.message.splitlines() or [""]
    indent = " " * (len("warning: ") if isinstance(found, errors.Warning) else len("error: "))
    lines = [f"{label} {paint(_safe(first), _BOLD)}", *(f"{indent}{_safe(line)}" for line in rest)]
    if found.span is not None:
        lines += _place(found.span, paint)
    lines += _labelled("note", found.context, paint)
    lines += _labelled("hint", found.hint, paint)
    return "\n".join(lines)


def _labelled(label: str, text: str, paint: _Paint) -> list[str]:
    if not text:
        return []
    first, *rest = text.splitlines()
    indent = " " * (len(label) + 2)
    return [f"{paint(f'{label}:', _CYAN)} {_safe(first)}", *(f"{indent}{_safe(line)}" for line in rest)]


def _place(span: Span, paint: _Paint) -> list[str]:
    """The place, and its line with marks below."""
    number = str(span.line)
    margin = " " * len(number)
    lines = [f"{margin} {paint('-->', _BLUE)} {_safe(str(span))}"]
    if not span.text.strip():
        return lines
    before, marked, after = _parts(span, max(_MIN_LINE, paint.columns - len(margin) - len(" | ……")))
    marks = max(1, cells(marked))
    bar = paint("|", _BLUE)
    return [
        *lines,
        f"{margin} {bar}",
        f"{paint(number, _BLUE)} {bar} {before}{marked}{after}",
        f"{margin} {bar} {' ' * cells(before)}{paint('^' * marks, _RED)}",
    ]


def _parts(span: Span, room: int) -> tuple[str, str, str]:
    """What is shown of the line, printable: before the mark, under it, after it. Of a long line the part around it."""
    column, line = span.column - 1, span.text
    shown = room if line.isascii() else room // 2
    start = max(0, column - shown // 2) if cells(line) > room else 0
    stop = min(len(line), start + (shown if cells(line) > room else len(line)))
    end = min(column + span.length, stop)
    before = ("…" if start else "") + _safe(line[start:column])
    return before, _safe(line[column:end]), _safe(line[end:stop]) + ("…" if stop < len(line) else "")


def _safe(text: str) -> str:
    """Text that cannot move the cursor; tabs become blanks, so that marks stand below what they mark."""
    return escaped(middle_ellipsis(text, _MAX_TEXT).replace("\t", " "))
