"""Durations as Go writes and reads them: `1m30s`, `1.5h`, `300ms` (Go, time.ParseDuration, Duration.String)."""

import re

_UNITS_NS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"([0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_MAX_NS = 2**63 - 1


def parse_duration_ns(text: str) -> int:
    """Return nanoseconds. Raises ValueError."""
    rest = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    if rest == "0":
        return 0
    total = 0
    position = 0
    while match := _PART.match(rest, position):
        whole, _, fraction = match[1].partition(".")
        unit = _UNITS_NS[match[2]]
        total += int(whole or 0) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
        position = match.end()
    if position != len(rest) or not rest or total > _MAX_NS:
        raise ValueError(f"`{text}` is not a duration")
    return -total if text.startswith("-") else total


def format_duration(duration_ns: int) -> str:
    """Return the text that Go prints: `1m30s`, `500ms`, `0s`."""
    if duration_ns < 0:
        return f"-{format_duration(-duration_ns)}"
    if duration_ns < 10**9:
        unit = next((unit for unit in ("ms", "µs") if duration_ns >= _UNITS_NS[unit]), "ns")
        return f"{_decimal(duration_ns, _UNITS_NS[unit])}{unit}" if duration_ns else "0s"
    minutes, rest_ns = divmod(duration_ns, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest_ns, 10**9)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    fraction = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)
