"""An error in a Dockerfile is shown as one in a Compose file is."""

from compose.orchestration.engine_errors import for_user
from compose.render.diagnostic import render
from runtime.errors import ErrorSet, Place, SourceError


def test_an_error_in_a_dockerfile_must_show_its_line():
    """Place, line, marks and hint."""
    error = SourceError("unknown flag: `--form`", place=Place("Dockerfile", 3, 6, "COPY --form=a b c", 8), hint="try")
    assert render(for_user(error), color=False).splitlines() == [
        "error: unknown flag: `--form`",
        "  --> Dockerfile:3:6",
        "  |",
        "3 | COPY --form=a b c",
        "  |      ^^^^^^^^",
        "hint: try",
    ]


def test_several_errors_must_be_shown_together():
    """With their number at the end."""
    errors = [SourceError(f"wrong {line}", place=Place("Dockerfile", line, 1, "X")) for line in (1, 2)]
    text = render(for_user(ErrorSet(errors)), color=False)
    assert text.count("error: wrong") == 2
    assert text.endswith("2 errors")
