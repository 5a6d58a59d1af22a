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
from compose.render.mode import has_colour
from compose.render.text import escaped

_RED, _YELLOW, _BLUE, _CYAN, _BOLD, _RESET = "\x1b[31;1m", "\x1b[33;1m", "\x1b[34;1m", "\x1b[36m", "\x1b[1m", "\x1b[0m"
_MAX_LINE = 160


def render(error: ComposeError, *, color: bool | None = None, ansi: str = "auto", stream: TextIO | None = None) -> str:
    """Return an error, all of its parts, without final newline.

    Colours as `color` says, else as `--ansi` and the stream that the text is for say.
    """
    paint = _Paint(color if color is not None else stream is not None and has_colour(ansi, stream))
    if isinstance(error, ErrorGroup):
        parts = [_error(part, paint) for part in error.errors]
        return "\n\n".join(parts) + f"\n\n{paint(f'{len(parts)} errors', _RED)}"
    return _error(error, paint)


def render_warning(warning: "errors.Warning", *, colour: bool = False) -> str:
    """Return a warning with its place and hint, without final newline."""
    paint = _Paint(colour)
    lines = [f"{paint('warning:', _YELLOW)} {_safe(warning.message)}"]
    if warning.span is not None:
        lines.append(f"  {paint('-->', _BLUE)} {_safe(str(warning.span))}")
    lines += _labelled("hint", warning.hint, paint)
    return "\n".join(lines)


class _Paint:
    """Colours a text, or does not."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, text: str, code: str) -> str:
        return f"{code}{text}{_RESET}" if self._colour and text else text


def _error(error: ComposeError, paint: _Paint) -> str:
    first, *rest = error.message.splitlines() or [""]
    lines = [f"{paint('error:', _RED)} {paint(_safe(first), _BOLD)}", *(f"       {_safe(line)}" for line in rest)]
    if error.span is not None:
        lines += _place(error.span, paint)
    lines += _labelled("note", error.context, paint)
    lines += _labelled("hint", error.hint, paint)
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
    shown, column = _window(span.text, span.column - 1)
    marks = max(1, min(span.length, len(shown) - column))
    bar = paint("|", _BLUE)
    return [
        *lines,
        f"{margin} {bar}",
        f"{paint(number, _BLUE)} {bar} {shown}",
        f"{margin} {bar} {' ' * column}{paint('^' * marks, _RED)}",
    ]


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a line that is shown, printable, and where in it the column is."""
    start = max(0, column - _MAX_LINE // 2) if len(line) > _MAX_LINE else 0
    before = _safe(line[start:column])
    return before + _safe(line[column : start + _MAX_LINE]), len(before)


def _safe(text: str) -> str:
    """Text that cannot move the cursor; tabs become blanks, so that marks stand below what they mark."""
    return escaped(text.replace("\t", " "))
