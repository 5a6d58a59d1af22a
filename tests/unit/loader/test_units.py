"""Sizes, durations, and scalars as Go reads and prints them."""

import pytest

from compose.loader.scalar import plain, text_of
from compose.loader.typed import single_precision
from compose.loader.units import duration, duration_text, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("512", 512),
        ("1b", 1),
        ("1k", 1024),
        ("1KB", 1024),
        ("1.5g", 1610612736),
        ("64 MiB", 67108864),
        ("-1", -1),
    ],
)
def test_sizes_must_be_bytes_in_powers_of_1024(text, expected):
    """Docker's units; `kb` is not 1000."""
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "lots", "10parsecs", "1Gi", "1 2", "k", "1..5g"])
def test_what_is_no_size_must_be_refused(text):
    """The message names the text."""
    with pytest.raises(ValueError, match="invalid size"):
        size(text)


@pytest.mark.parametrize(
    ("text", "seconds", "printed"),
    [
        ("0", 0, "0s"),
        ("10s", 10, "10s"),
        ("1m30s", 90, "1m30s"),
        ("90s", 90, "1m30s"),
        ("1.5h", 5400, "1h30m0s"),
        ("2h", 7200, "2h0m0s"),
        ("500ms", 0.5, "500ms"),
        ("1s500ms", 1.5, "1.5s"),
        ("100us", 0.0001, "100µs"),
        ("20ns", 2e-8, "20ns"),
        ("1d", 86400, "24h0m0s"),
        ("-1m", -60, "-1m0s"),
    ],
)
def test_durations_must_be_seconds_and_print_as_go_prints_them(text, seconds, printed):
    """Both ways."""
    assert duration(text) == pytest.approx(seconds)
    assert duration_text(duration(text)) == printed


@pytest.mark.parametrize("text", ["", "10", "10 s", "soon", "1x", "s", "1s x"])
def test_what_is_no_duration_must_be_refused(text):
    """A number without unit too."""
    with pytest.raises(ValueError, match=f'invalid duration "{text}"'):
        duration(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:22", "22:22"),
        ("3306:33", "3306:33"),
        ("yes", "yes"),
        ("on", "on"),
        ("no", "no"),
        ("True", True),
        ("~", None),
        ("", None),
        ("0755", 493),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", 1000),
        ("+7", 7),
        ("08", 8.0),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("2001-12-14", "2001-12-14 00:00:00 +0000 UTC"),
        ("2001-12-14T21:59:43.10-05:00", "2001-12-14 21:59:43.1 -0500 -0500"),
        ("-", "-"),
    ],
)
def test_plain_scalars_must_not_be_yaml_1_1(text, value):
    """Ports and answers stay text; octal stays octal."""
    assert plain(text) == value
    assert type(plain(text)) is type(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.1, "1.1"),
        (2.0, "2"),
        (1e6, "1e+06"),
        (123456.5, "123456.5"),
        (1e-5, "1e-05"),
        (1.5e300, "1.5e+300"),
        (-2.5e7, "-2.5e+07"),
    ],
)
def test_values_must_become_text_as_in_go(value, text):
    """`environment: {A: 1e6}` is `1e+06` in the container."""
    assert text_of(value) == text


def test_cpus_must_be_single_precision():
    """docker compose keeps CPUs in 32 bits and prints the shortest digits."""
    assert single_precision(0.1) == 0.1
    assert single_precision(1 / 3) == 0.33333334
