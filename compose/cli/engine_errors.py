"""Errors of the runtime as those of the command line, each with its place in a file where it has one."""

from compose.errors import ComposeError, ErrorGroup, Span
from runtime.errors import EngineError, ErrorSet, Place, SourceError


def for_user(error: EngineError) -> ComposeError:
    """Return what is reported of an error of the runtime."""
    if isinstance(error, ErrorSet):
        return ErrorGroup([for_user(each) for each in error.errors])
    span = _span(error.place) if isinstance(error, SourceError) else None
    return ComposeError(error.message, hint=error.hint, span=span)


def _span(place: Place) -> Span:
    return Span(place.file, place.line, place.column, place.text, place.length)
