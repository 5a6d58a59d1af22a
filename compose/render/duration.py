"""Spans of time as Docker words them (docker/go-units, duration.go), sizes likewise (size.go)."""

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY_HOURS = 24
_WEEK_HOURS = 7 * _DAY_HOURS
_MONTH_HOURS = 30 * _DAY_HOURS
_YEAR_HOURS = 365 * _DAY_HOURS


def human_duration(seconds: float) -> str:
    """Return `Less than a second`, `1 second`, … `About a minute`, … `3 weeks`, …."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole < _MINUTE:
        return "1 second" if whole == 1 else f"{whole} seconds"
    if whole < _HOUR:
        return "About a minute" if whole < 2 * _MINUTE else f"{whole // _MINUTE} minutes"
    hours = int(seconds / _HOUR + 0.5)
    if hours == 1:
        return "About an hour"
    for limit, size, unit in (
        (2 * _DAY_HOURS, 1, "hours"),
        (2 * _WEEK_HOURS, _DAY_HOURS, "days"),
        (2 * _MONTH_HOURS, _WEEK_HOURS, "weeks"),
        (2 * _YEAR_HOURS, _MONTH_HOURS, "months"),
    ):
        if hours < limit:
            return f"{hours // size} {unit}"
    return f"{int(seconds / _HOUR) // _YEAR_HOURS} years"


def human_size(size_bytes: int) -> str:
    """Return `2.03MB`: three significant digits, steps of 1000, as `docker images` has it (`%.3g`)."""
    return _size(size_bytes, 3)


def precise_size(size_bytes: int) -> str:
    """Return `2.026MB`: four digits, as `docker system df` has it."""
    return _size(size_bytes, 4)


def _size(size_bytes: int, digits: int) -> str:
    value = float(size_bytes)
    unit = 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    return f"{value:.{digits}g}{_UNITS[unit]}"
