"""Sizes and durations: texts to numbers and back.

Source: compose-spec, 11-extension.md; docker/go-units, size.go; Go, time.Duration; xhit/go-str2duration.
"""

import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtpKMGTP]?)(?:[iI]?[bB])?")
_POWERS = {unit: 1024**power for power, unit in enumerate(" kmgtp")}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w)")
_SECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_SECONDS |= {"d": 24 * _SECONDS["h"], "w": 7 * 24 * _SECONDS["h"]}


def size(text: str) -> int:
    """Bytes: `512`, `1.5g`, `64 MiB`, `-1`; powers of 1024. Raises ValueError."""
    if text.lstrip("-").isdecimal():
        return int(text)
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid size: '{text}'")
    number, unit = match.groups()
    return int(float(number) * _POWERS[unit.lower() or " "])


def duration(text: str) -> float:
    """Seconds: `1m30s`, `1.5h`, `-10ms`, `0`. Raises ValueError."""
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0.0
    matches = list(_DURATION.finditer(body))
    if not body or "".join(match[0] for match in matches) != body:
        raise ValueError(f'invalid duration "{text}"')
    nanoseconds = sum(round(float(match[1]) * _SECONDS[match[2]]) for match in matches)
    return (-nanoseconds if text[0] == "-" else nanoseconds) / 10**9


def duration_text(seconds: float) -> str:
    """As Go prints it: `1m30s`, `1h0m0s`, `1.5ms`, `0s`."""
    nanoseconds = round(seconds * 10**9)
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
