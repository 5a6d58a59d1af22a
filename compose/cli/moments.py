"""Points in time as `--since` and `--until` take them (docker/docker, api/types/time)."""

import re
from datetime import UTC, datetime

from compose.errors import ProjectError

_DURATION = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|us|µs|ns|m|s)")
_FACTORS = {"h": 3_600_000_000_000, "m": 60_000_000_000, "s": 10**9, "ms": 10**6, "us": 10**3, "µs": 10**3, "ns": 1}
_FRACTION = re.compile(r"\.(\d+)")


def moment_ns(flag: str, text: str, now_ns: int) -> int:
    """Return nanoseconds since the epoch for `10m`, `2026-01-02T03:04:05Z`, `2026-01-02`, `1767323045.5`; 0 for "".

    A time without a zone is local. Raises ProjectError naming the flag.
    """
    if not text:
        return 0
    if (duration := duration_ns(text)) is not None:
        return now_ns - duration
    if re.fullmatch(r"\d+(\.\d+)?", text):
        seconds, _, fraction = text.partition(".")
        return int(seconds) * 10**9 + int(fraction[:9].ljust(9, "0"))
    # datetime keeps microseconds; the nanoseconds of a line that is given back must survive.
    fraction = match[1] if (match := _FRACTION.search(text)) else ""
    try:
        instant = datetime.fromisoformat(_FRACTION.sub("", text, count=1))
    except ValueError as error:
        raise ProjectError(
            f"`{flag}`: `{text}` is neither a time nor a duration", hint="such as 2026-01-02T13:23:37Z or 42m"
        ) from error
    whole = instant if instant.tzinfo else instant.astimezone()
    return int(whole.astimezone(UTC).timestamp()) * 10**9 + int(fraction[:9].ljust(9, "0"))


def duration_ns(text: str) -> int | None:
    """Return the nanoseconds of a Go duration such as `1h30m`, or None for what is none."""
    if not text or not re.fullmatch(f"(?:{_DURATION.pattern})+", text):
        return None
    total = 0.0
    for part in _DURATION.findall(text):
        unit = part.lstrip("0123456789.")
        total += float(part.removesuffix(unit)) * _FACTORS[unit]
    return int(total)
