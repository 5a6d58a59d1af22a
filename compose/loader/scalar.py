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
_TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt]|\s+)(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?\s*(Z|[-+]\d\d:?\d\d)?)?"
)
_FIRST_OF_NUMBERS = frozenset("+-.0123456789")


def plain(text: str) -> str | int | float | bool | None:
    """The value of a scalar written without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _FIRST_OF_NUMBERS else text


def _number(text: str) -> str | int | float:
    digits = text.replace("_", "")
    if match := _INTEGER.fullmatch(digits):
        sign, *bases = match.groups()
        for base, number in zip((16, 2, 8, 10), bases, strict=True):
            if number is not None:
                value = int(number, base)
                return -value if sign == "-" else value
    if _FLOAT.fullmatch(digits):
        return float(digits)
    if match := _TIME.fullmatch(text):
        return _time(match)
    return text


def _time(match: re.Match[str]) -> str:
    """A time as Go's `%v` prints it: `2001-12-14 00:00:00 +0000 UTC`."""
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    fraction = (fraction or "").rstrip("0").rstrip(".")
    clock = f"{int(hour or 0):02d}:{int(minute or 0):02d}:{int(second or 0):02d}{fraction}"
    offset = zone.replace(":", "") if zone and zone != "Z" else "+0000"
    name = "UTC" if zone in (None, "Z") else offset
    return f"{year}-{int(month):02d}-{int(day):02d} {clock} {offset} {name}"


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
