"""Which renderer, and whether there is colour: from flags, environment and what the streams are."""

import os
from typing import TextIO

PROGRESS_MODES = ("auto", "tty", "plain", "json", "quiet")
ANSI_MODES = ("auto", "never", "always")


def choose_progress(wanted: str, ansi: str, stream: TextIO) -> str:
    """Return tty, plain, json or quiet for a `--progress` value.

    `auto` is tty where `stream` is a terminal that understands cursor movements, else plain.
    """
    if wanted != "auto":
        return wanted
    if ansi == "never" or not is_terminal(stream) or os.environ.get("TERM") == "dumb":
        return "plain"
    return "tty"


def has_colour(ansi: str, stream: TextIO) -> bool:
    """Whether to colour what goes to `stream` (https://no-color.org for NO_COLOR)."""
    if ansi == "auto":
        return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return ansi == "always"


def columns(stream: TextIO, default: int) -> int:
    """Return how many columns the terminal has that a stream goes to, at most `default`; that, where it is none."""
    try:
        return min(default, os.get_terminal_size(stream.fileno()).columns or default)
    except (OSError, ValueError):
        return default


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal; a closed one is not."""
    try:
        return stream.isatty()
    except ValueError:
        return False
