"""What a plain YAML scalar means, and how Go prints one.

YAML 1.2's core schema with docker compose's remains of 1.1: `0755` is octal, `1_000` a number, a
date a time. `yes`, `on`, `22:22` are text. Source: go-yaml v3, resolve.go; Go, strconv and fmt.
"""

import math
import re

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))")
_CLOCK = r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]+))?"
_TIME = re.compile(
    rf"([0-9]{{4}})-([0-9]{{1,2}})-([0-9]{{1,2}})(?:[Tt]{_CLOCK}(Z|[-+][0-9]{{2}}:[0-9]{{2}})| +{_CLOCK})?"
)
_DAYS_OF_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_INTEGERS = range(-(1 << 63), 1 << 64)
"""What Go's int64 or uint64 holds; beyond, digits are a float, and what no float holds is text."""

_FIRST_OF_NUMBERS = frozenset("+-.0123456789")


def plain(text: str) -> str | int | float | bool | None:
    """The value of a scalar written without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _FIRST_OF_NUMBERS else text


def _number(text: str) -> str | int | float:
    digits = text.replace("_", "")
    if (match := _INTEGER.fullmatch(digits)) and (value := _integer(match)) is not None:
        return value
    if _FLOAT.fullmatch(digits) and math.isfinite(number := float(digits)):
        return number
    if match := _TIME.fullmatch(text):
        return _time(match) or text
    return text


def _integer(match: re.Match[str]) -> int | None:
    sign, *bases = match.groups()
    for base, number in zip((16, 2, 8, 10), bases, strict=True):
        if number is not None and len(number.lstrip("0")) <= _INTEGERS.stop.bit_length():
            value = -int(number, base) if sign == "-" else int(number, base)
            return value if value in _INTEGERS and not (sign == "+" and value >> 63) else None
    return None


def _time(match: re.Match[str]) -> str:
    """A time as Go's `%v` prints it: `2001-12-14 00:00:00 +0000 UTC`. Nothing for a day or an hour that is none."""
    year, month, day = map(int, match.group(1, 2, 3))
    hour, minute, second = (int(match[index] or match[index + 5] or 0) for index in (4, 5, 6))
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (
        1 <= month <= 12 and 1 <= day <= _DAYS_OF_MONTHS[month - 1] + leap and hour < 24 and max(minute, second) < 60
    ):
        return ""
    fraction = (match[7] or match[12] or "")[:9].rstrip("0")
    zone = (match[8] or "Z").replace(":", "")
    if zone in ("Z", "+0000", "-0000"):
        zone = "+0000 UTC"
    elif int(zone[1:3]) > 24 or int(zone[3:]) > 59:
        return ""
    else:
        zone = f"{zone} {zone}"
    clock = f"{hour:02d}:{minute:02d}:{second:02d}{fraction and '.'}{fraction}"
    return f"{year:04d}-{month:02d}-{day:02d} {clock} {zone}"


def text_of(value: object) -> str:
    """A scalar as Go's `fmt.Sprint` prints it: `true`, `1e+06`, `<nil>`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    if value is None:
        return "<nil>"
    if isinstance(value, list):
        return "[" + " ".join(map(text_of, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{text_of(value[key])}" for key in sorted(value)) + "]"
    return str(value)


def _float_text(value: float) -> str:
    """Shortest digits; with an exponent below 1e-4 and from 1e6 on (Go's `%v`)."""
    if math.isinf(value) or math.isnan(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if 1e-4 <= abs(value) < 1e6 or value == 0:
        return repr(value).removesuffix(".0")
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.lstrip("-").removesuffix(".0").partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) + (len(whole) - 1 if whole.strip("0") else len(digits) - len(fraction) - 1)
    digits = digits.rstrip("0")
    return f"{'-' if value < 0 else ''}{digits[0]}{'.' + digits[1:] if digits[1:] else ''}e{power:+03d}"
