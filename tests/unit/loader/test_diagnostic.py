"""Errors and warnings as they are printed."""

from compose import errors
from compose.errors import ErrorGroup, SchemaViolation, Span
from compose.render.diagnostic import render, render_warning

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


def test_warning_must_show_place_and_hint():
    """In three lines."""
    warning = errors.Warning("odd", SPAN, "do this")
    assert render_warning(warning).splitlines() == ["warning: odd", "  --> /srv/compose.yaml:12:5", "hint: do this"]


def test_colour_must_only_be_added():
    """Without the codes the text is the same."""
    error = SchemaViolation("m", span=SPAN, hint="h")
    coloured = render(error, color=True)
    assert "\x1b[" in coloured
    for code in ("\x1b[31;1m", "\x1b[33;1m", "\x1b[34;1m", "\x1b[36m", "\x1b[1m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == render(error, color=False)
