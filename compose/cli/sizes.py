"""Sizes on the command line."""

from compose.errors import ProjectError
from compose.loader import units


def size_of(flag: str, text: str) -> int:
    """Return the bytes that a flag like `--memory 1g` gives; 0 without a value. Raises ProjectError."""
    try:
        return units.size(text) if text else 0
    except ValueError as error:
        raise ProjectError(f"{flag}: {error}") from error
