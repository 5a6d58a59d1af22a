"""`--since` and `--until`."""

from contextlib import suppress

import pytest

from compose.cli.moments import duration_ns, moment_ns
from compose.errors import ProjectError

SECOND = 1_000_000_000
NOW = 1_795_500_000 * SECOND


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600.0), ("1h30m", 5400.0), ("1.5s", 1.5), ("300ms", 0.3), ("0s", 0.0)],
)
def test_a_duration_must_count_back_from_now(text: str, seconds: float) -> None:
    """Go's durations."""
    assert moment_ns("--since", text, NOW) == NOW - int(seconds * SECOND)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2013-01-02T13:23:37Z", 1_357_133_017 * SECOND),
        ("2013-01-02T13:23:37.123456789Z", 1_357_133_017 * SECOND + 123_456_789),
        ("2013-01-02T14:23:37+01:00", 1_357_133_017 * SECOND),
        ("1357133017", 1_357_133_017 * SECOND),
        ("1357133017.5", 1_357_133_017 * SECOND + SECOND // 2),
        ("", 0),
    ],
)
def test_a_time_must_keep_its_nanoseconds(text: str, nanoseconds: int) -> None:
    """A time that `logs -t` printed finds its line again."""
    assert moment_ns("--since", text, NOW) == nanoseconds


def test_anything_else_must_be_refused_with_the_flag() -> None:
    """`yesterday` is neither."""
    with pytest.raises(ProjectError, match="`--until`: `yesterday` is neither a time nor a duration"):
        moment_ns("--until", "yesterday", NOW)
    assert duration_ns("10") is None


@pytest.mark.parametrize(
    "text", ["9" * 5000, "0001-01-01", "9999-12-31T23:59:59-23:59", "1" * 11, "٣", "1.٣", "1e999", "99999999999h"]
)
def test_times_that_no_clock_shows_must_be_refused_or_read(text: str) -> None:
    """However long the text, whatever its digits: nothing but an error comes out."""
    with suppress(ProjectError):
        moment_ns("--since", text, NOW)
