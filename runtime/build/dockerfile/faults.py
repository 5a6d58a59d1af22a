"""Errors that show the line of the Dockerfile they are about."""

from collections.abc import Sequence

from runtime.build.dockerfile.instructions import Location
from runtime.errors import ErrorSet, Place, SourceError


def error_at(message: str, location: Location, lines: Sequence[str], hint: str = "", mark: str = "") -> SourceError:
    """Return the error for an instruction; `mark` is the word on its lines that is at fault, if it is one."""
    number = location.first_line
    if mark:
        candidates = range(location.first_line, min(location.last_line, len(lines)) + 1)
        number = next((line for line in candidates if mark in lines[line - 1]), number)
    text = lines[number - 1] if 0 < number <= len(lines) else ""
    start = text.find(mark) if mark else -1
    if start < 0:
        start, mark = len(text) - len(text.lstrip()), text.strip()
    return SourceError(message, place=Place(location.file, number, start + 1, text, max(1, len(mark))), hint=hint)


def raise_together(errors: Sequence[SourceError]) -> None:
    """Raise what was found, if anything: alone, or as one set."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ErrorSet(errors)
