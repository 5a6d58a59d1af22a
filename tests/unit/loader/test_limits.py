"""Texts made to cost time or memory, and numbers that no machine holds: each is refused at once."""

import time

import pytest

from compose.errors import ComposeError, InterpolationError
from compose.loader import dotenv
from compose.loader.interpolation import integer, number, octal
from compose.loader.project import load
from compose.loader.scalar import plain
from compose.loader.template import MAX_EXPANSION, ExcessiveExpansion, InvalidTemplate, Template
from compose.loader.units import duration, size
from tests.unit.loader.memory import load_text, options

DIGITS = "9" * 5000
"""More than Python turns into a number without being asked twice."""


@pytest.fixture(autouse=True)
def within_a_second():
    """Refusing is quick, whatever the text."""
    begin = time.process_time()
    yield
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616.0),
        ("-9223372036854775809", -9223372036854775809.0),
        ("+18446744073709551615", 18446744073709551615.0),
        ("0x10000000000000000", "0x10000000000000000"),
        ("07777777777777777777777777", 7.777777777777778e24),
        ("1e400", "1e400"),
        ("-1e400", "-1e400"),
        (DIGITS, DIGITS),
        (f"0x{DIGITS}", f"0x{DIGITS}"),
        ("2001-02-30", "2001-02-30"),
        ("2000-02-29", "2000-02-29 00:00:00 +0000 UTC"),
        ("2001-12-14T25:00:00Z", "2001-12-14T25:00:00Z"),
        ("2001-12-14T21:59:43", "2001-12-14T21:59:43"),
        ("2001-12-14 21:59:43Z", "2001-12-14 21:59:43Z"),
        ("2001-12-14T21:59:43+0530", "2001-12-14T21:59:43+0530"),
        ("2001-12-14T21:59:43,123456789123-00:00", "2001-12-14 21:59:43.123456789 +0000 UTC"),
    ],
)
def test_numbers_and_times_beyond_their_range_must_be_what_docker_compose_makes_of_them(text, value):
    """A float beyond 64 bits, text where no float holds it or no calendar has it."""
    assert plain(text) == value
    assert type(plain(text)) is type(value)


@pytest.mark.parametrize("read", [integer, octal, number, size, duration])
@pytest.mark.parametrize(
    "text", [DIGITS, f"-{DIGITS}", "inf", "nan", "٣", "--5", "1_0", "", "-", "1e999", "1" * 500_000]
)
def test_what_is_no_number_must_be_refused_by_name(read, text):
    """Also with digits of other scripts, and as the beginning of five hundred thousand."""
    with pytest.raises(ValueError, match="invalid"):
        read(text)


@pytest.mark.parametrize("text", ["8388608t", "9223372036854775808", f"{DIGITS}b", f"{DIGITS}.5k"])
def test_a_size_beyond_64_bits_must_be_refused(text):
    """docker compose makes -9223372036854775808 of it."""
    with pytest.raises(ValueError, match="more than 9223372036854775807 bytes"):
        size(text)


@pytest.mark.parametrize("text", ["2562048h", f"{DIGITS}ns", f"0{DIGITS}w", "1d" * 300_000])
def test_a_duration_beyond_64_bits_must_be_refused(text):
    """As in Go; 292 years are enough."""
    with pytest.raises(ValueError, match="more than 292 years"):
        duration(text)


def test_a_duration_must_be_exact_to_the_nanosecond():
    """However it is cut."""
    assert duration("1000h0.000000001s") == duration("3600000000ms1ns") == 3600000.000000001
    assert duration(f"1.{DIGITS}s") == duration("1.999999999s")


def test_cpus_beyond_single_precision_must_be_refused():
    """They would be printed as infinity, which no JSON has."""
    for cpus in ("1e39", "'1e39'", "'inf'", "'nan'"):
        with pytest.raises(ComposeError, match="invalid number"):
            load_text(f"services: {{a: {{image: i, cpus: {cpus}}}}}")


@pytest.mark.parametrize("where", ["one value", "many values"])
def test_a_large_variable_that_is_often_named_must_be_refused(where):
    """One million characters, a thousand times: a billion."""
    image = "$BIG" * 1000 if where == "one value" else ""
    rest = "" if image else "environment: [" + ", ".join(f"'V{index}=$BIG'" for index in range(1000)) + "]"
    with pytest.raises(
        InterpolationError, match=r"variables bring in more than 16 million characters, .* `BIG`"
    ) as caught:
        load_text(f"services: {{a: {{image: 'i{image}', {rest}}}}}", {"BIG": "x" * 1_000_000})
    assert caught.value.span is not None


def test_an_env_file_whose_lines_double_must_be_refused():
    """Forty lines, a trillion characters."""
    lines = ["A0=xxxxxxxxxxxxxxxx", *(f"A{index + 1}=$A{index}$A{index}" for index in range(40))]
    with pytest.raises(dotenv.DotenvError, match="variables bring in more than 16 million characters") as caught:
        load(options({"compose.yaml": "services: {}", ".env": "\n".join(lines)}))
    assert caught.value.span is not None
    assert caught.value.span.line > 15


@pytest.mark.parametrize(
    "text",
    [
        "${A:-" * 300_000 + "}" * 300_000,
        "${A:-" * 300_000 + "}",
        "${A:-{}" * 300_000,
        "${A:-{{" * 300_000,
        "${" * 500_000,
    ],
    ids=["nested", "not closed", "unbalanced", "braces", "nothing else"],
)
def test_defaults_without_end_must_be_refused(text):
    """Deep or long, closed or not."""
    with pytest.raises(InvalidTemplate):
        Template({}.get).substitute(text)


def test_a_megabyte_of_variables_must_take_linear_time():
    """In one line, which is searched for its last brace once."""
    assert Template({"A": ""}.get).substitute("${A}" * 100_000 + "x") == "x"
    assert Template({"A": ""}.get).substitute("${B:-" + "$A" * 100_000 + "}") == ""


def test_what_variables_bring_in_must_be_counted_over_all_texts():
    """Many small ones are a large one."""
    template = Template({"A": "x" * (MAX_EXPANSION // 4)}.get)
    for _ in range(4):
        template.substitute("$A")
    with pytest.raises(ExcessiveExpansion):
        template.substitute("$A")


def test_an_env_file_of_ten_megabytes_must_be_read():
    """As one value, and as many lines."""
    assert len(dotenv.parse(f"A={'x' * 10_000_000}\n", "/.env", {}.get)["A"]) == 10_000_000
    assert len(dotenv.parse("".join(f"A{index}=x\n" for index in range(20_000)), "/.env", {}.get)) == 20_000
