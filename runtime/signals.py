"""Names of signals, as people, Compose files and images give them (signal(7); moby/sys/signal)."""

import re
import signal

from runtime.errors import InvalidArgument

_VALID = frozenset(map(int, signal.valid_signals()))
_REAL_TIME = re.compile(r"RT(?:MIN(?:\+(\d{1,2}))?|MAX(?:-(\d{1,2}))?)")


def signal_number(name: str) -> int:
    """Return the number of a signal given as `SIGTERM`, `term`, `15` or `SIGRTMIN+3`. Raises InvalidArgument."""
    text = name.upper().removeprefix("SIG")
    real_time = _REAL_TIME.fullmatch(text)
    if text.isascii() and text.isdigit():
        number = int(text)
    elif real_time:
        above, below = real_time.groups("0")
        number = signal.SIGRTMIN + int(above) if text.startswith("RTMIN") else signal.SIGRTMAX - int(below)
        number = number if number >= signal.SIGRTMIN else 0
    else:
        number = signal.Signals.__members__.get(f"SIG{text}", 0)
    if number not in _VALID:
        raise InvalidArgument(f"invalid signal: `{name}`")
    return int(number)


def signal_name(name: str) -> str:
    """Return a signal's own name, `SIGTERM` or `SIGRTMIN+3`, from any form. Raises InvalidArgument."""
    number = signal_number(name)
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
