"""Errors and warnings as they are printed."""

import fcntl
import os
import pty
import struct
import termios

import pytest

from compose import errors
from compose.errors import ErrorGroup, SchemaViolation, Span
from compose.render.cells import cells
from compose.render.diagnostic import MAX_SHOWN, render, render_warning

SPAN = Span("/srv/compose.yaml", 12, 5, "    imagee: nginx", 6)


def test_error_must_show_line_mark_and_hint():
    """The whole picture."""
    error = SchemaViolation(
        "services.web Additional property imagee is not allowed", hint="did you mean `image`?", span=SPAN
    )
    assert render(error, color=False).splitlines() == [
        "error: services.web Additional property imagee is not allowed",
        "   --> /srv/compose.yaml:12:5",
        "   |",
        "12 |     imagee: nginx",
        "   |     ^^^^^^",
        "hint: did you mean `image`?",
    ]


def test_group_must_show_each_and_count_them():
    """Nothing is left out."""
    text = render(ErrorGroup([SchemaViolation("one"), SchemaViolation("two", span=SPAN)]), color=False)
    assert "error: one" in text
    assert "error: two" in text
    assert text.endswith("2 errors")


def test_lines_of_a_message_must_be_indented():
    """Only the first begins with `error:`."""
    assert render(SchemaViolation("one\ntwo"), color=False) == "error: one\n       two"


def test_control_characters_must_not_reach_the_terminal():
    """Neither from messages nor from files."""
    text = render(SchemaViolation("a\x1b[2Jb", span=Span("f", 1, 1, "\x1b[31mx\ty", 1)), color=False)
    assert "\x1b" not in text
    assert "\t" not in text


def test_long_line_must_be_shown_around_its_mark():
    """A line of ten thousand characters stays one line of the screen."""
    line = "x" * 5000 + "HERE" + "y" * 5000
    rows = render(SchemaViolation("m", span=Span("f", 1, 5001, line, 4)), color=False).splitlines()
    assert max(map(len, rows)) < 200
    assert rows[3][rows[4].index("^") :].startswith("HERE")


def test_warning_must_show_its_line_as_an_error_does():
    """With what else there is to know."""
    warning = errors.Warning("odd", SPAN, "do this", "also at b.yaml:1:1")
    assert render_warning(warning).splitlines() == [
        "warning: odd",
        "   --> /srv/compose.yaml:12:5",
        "   |",
        "12 |     imagee: nginx",
        "   |     ^^^^^^",
        "note: also at b.yaml:1:1",
        "hint: do this",
    ]


def test_of_very_many_errors_the_first_must_be_shown_and_all_counted():
    """Nobody reads a thousand."""
    text = render(ErrorGroup([SchemaViolation(f"e{number}") for number in range(100)]), color=False)
    assert text.count("error: ") == MAX_SHOWN
    assert text.endswith(f"100 errors, {100 - MAX_SHOWN} more than are shown")


@pytest.mark.parametrize(
    ("line", "marked", "cells_before", "marks"),
    [
        ("\t- x: bad", "bad", 6, 3),
        ("名前: 悪い値", "悪い値", 6, 6),
        ("🐳: 🐳🐳", "🐳🐳", 4, 4),
        ("e\u0301: bad", "bad", 3, 3),
        ("👩\u200d🚀: bad", "bad", 4, 3),
        ("❤\ufe0f: bad", "bad", 3, 3),
        ("a: bad\r", "bad", 3, 3),
    ],
)
def test_the_mark_must_stand_under_what_it_marks(line, marked, cells_before, marks):
    """Whatever is before it: tabs, wide characters, characters that combine."""
    span = Span("f", 1, line.index(marked) + 1, line, len(marked))
    row = render(SchemaViolation("m", span=span), color=False).splitlines()[-1]
    assert row == f"  | {' ' * cells_before}{'^' * marks}"


def test_colour_must_only_be_added():
    """Without the codes the text is the same."""
    error = SchemaViolation("m", span=SPAN, hint="h")
    coloured = render(error, color=True)
    assert "\x1b[" in coloured
    for code in ("\x1b[31;1m", "\x1b[33;1m", "\x1b[34;1m", "\x1b[36m", "\x1b[1m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == render(error, color=False)


@pytest.mark.parametrize("line", ["x: " * 40 + "BAD" + "y" * 90, "名" * 60 + "BAD" + "前" * 60])
def test_a_line_must_not_be_wider_than_the_terminal(line):
    """A line that wraps would leave the mark under something else."""
    master, slave = pty.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        with os.fdopen(slave, "w", encoding="utf-8") as stream:
            error = SchemaViolation("m", span=Span("f", 1, line.index("BAD") + 1, line, 3))
            rows = render(error, color=False, stream=stream).splitlines()
    finally:
        os.close(master)
    assert all(cells(row) <= 60 for row in rows)
    shown, marks = rows[3], rows[4]
    assert cells(shown[: shown.index("BAD")]) == marks.index("^^^")
