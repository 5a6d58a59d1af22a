"""Sizes and durations: texts to numbers and back.

Source: compose-spec, 11-extension.md; docker/go-units, size.go; Go, time.Duration; xhit/go-str2duration.
"""

import re

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgtpKMGTP]?)(?:[iI]?[bB])?")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_MOST = (1 << 63) - 1
"""Bytes are a 64-bit number to Go, and to the kernel."""

_POWERS = {unit: 1024**power for power, unit in enumerate(" kmgtp")}
_DURATION = re.compile(r"(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h|d|w)")
_SECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_SECONDS |= {"d": 24 * _SECONDS["h"], "w": 7 * 24 * _SECONDS["h"]}
_LONGEST = 2562047 * _SECONDS["h"]


def size(text: str) -> int:
    """Bytes: `512`, `1.5g`, `64 MiB`, `-1`; powers of 1024, at most 2⁶³-1. Raises ValueError."""
    if _WHOLE.fullmatch(text):
        bytes_ = int(text)
    else:
        match = _SIZE.fullmatch(text)
        if match is None:
            raise ValueError(f"invalid size: '{text}'")
        digits, unit = match.groups()
        number = float(digits) * _POWERS[unit.lower() or " "]
        bytes_ = int(number) if number <= _MOST else _MOST + 1
    if abs(bytes_) > _MOST:
        raise ValueError(f"invalid size: '{text}': more than {_MOST} bytes")
    return bytes_


def duration(text: str) -> float:
    """Seconds: `1m30s`, `1.5h`, `-10ms`, `0`; at most 2562047 hours, as in Go. Raises ValueError."""
    negative = text[:1] == "-"
    position = 1 if text[:1] in ("+", "-") else 0
    if text[position:] == "0":
        return 0.0
    nanoseconds = 0
    while nanoseconds <= _LONGEST and (match := _DURATION.match(text, position)):
        nanoseconds += _nanoseconds(*match.groups())
        position = match.end()
    if nanoseconds > _LONGEST:
        raise ValueError(f'invalid duration "{text}": more than 292 years')
    if position < len(text) or not text[-1:].isalpha():
        raise ValueError(f'invalid duration "{text}"')
    return (-nanoseconds if negative else nanoseconds) / 10**9


def _nanoseconds(whole: str, fraction: str | None, unit: str) -> int:
    """Exact but for fractions of a nanosecond. What is too long for a number is too long for a duration."""
    whole, digits = whole.lstrip("0"), (fraction or "")[:20]
    number = int(whole or 0) if len(whole) < 20 else _LONGEST + 1
    part = int(digits.ljust(20, "0")) * _SECONDS[unit] // 10**20
    return number * _SECONDS[unit] + part


def duration_text(seconds: float) -> str:
    """As Go prints it: `1m30s`, `1h0m0s`, `1.5ms`, `0s`."""
    whole, fraction = divmod(seconds, 1)
    nanoseconds = int(whole) * 10**9 + round(fraction * 10**9)
    sign, nanoseconds = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < 10**9:
        unit = "ns" if nanoseconds < 10**3 else "µs" if nanoseconds < 10**6 else "ms"
        return f"{sign}{_decimal(nanoseconds, _SECONDS[unit])}{unit}"
    minutes, rest = divmod(nanoseconds, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 10**9)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _decimal(value: int, unit: int) -> str:
    """An exact quotient, without trailing zeros."""
    whole, rest = divmod(value, unit)
    digits = str(rest).zfill(len(str(unit)) - 1).rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)
