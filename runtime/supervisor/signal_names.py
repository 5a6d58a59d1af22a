"""Names of signals, as people and images give them."""

import signal

from runtime.errors import InvalidArgument


def signal_number(name: str) -> int:
    """Return the number of a signal given as `SIGTERM`, `TERM` or `15`. Raises InvalidArgument."""
    text = name.upper().removeprefix("SIG")
    try:
        return signal.Signals(int(text)) if text.isdigit() else signal.Signals[f"SIG{text}"]
    except (KeyError, ValueError) as error:
        raise InvalidArgument(f"invalid signal: `{name}`") from error
