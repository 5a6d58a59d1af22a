"""Points in time as `--since` and `--until` take them (docker/docker, api/types/time)."""

import re
from datetime import UTC, datetime

from compose.errors import ProjectError
from compose.loader import units

_SECONDS = re.compile(r"[0-9]{1,10}(\.[0-9]+)?")
_FRACTION = re.compile(r"\.([0-9]+)")


def moment_ns(flag: str, text: str, now_ns: int) -> int:
    """Return nanoseconds since the epoch for `10m`, `2026-01-02T03:04:05Z`, `2026-01-02`, `1767323045.5`; 0 for "".

    A time without a zone is local. Raises ProjectError naming the flag.
    """
    if not text:
        return 0
    if _SECONDS.fullmatch(text):
        seconds, _, fraction = text.partition(".")
        return int(seconds) * 10**9 + int(fraction[:9].ljust(9, "0"))
    if (duration := duration_ns(text)) is not None:
        return now_ns - duration
    # datetime keeps microseconds; the nanoseconds of a line that is given back must survive.
    fraction = match[1] if (match := _FRACTION.search(text)) else ""
    try:
        instant = datetime.fromisoformat(_FRACTION.sub("", text, count=1))
        whole = instant if instant.tzinfo else instant.astimezone()
        seconds_ns = int(whole.astimezone(UTC).timestamp()) * 10**9
    except (ValueError, OverflowError) as error:
        raise ProjectError(
            f"`{flag}`: `{text}` is neither a time nor a duration", hint="such as 2026-01-02T13:23:37Z or 42m"
        ) from error
    return seconds_ns + int(fraction[:9].ljust(9, "0"))


def duration_ns(text: str) -> int | None:
    """Return the nanoseconds of a duration such as `1h30m`, or None for what is none."""
    if not text[:1].isdecimal() and not text.startswith("."):
        return None
    try:
        return round(units.duration(text) * 10**9)
    except ValueError:
        return None
