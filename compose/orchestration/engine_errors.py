"""Errors of the runtime as those of the command line, each with its place in a file where it has one."""

from compose.errors import ComposeError, ErrorGroup, ExecutionError, Span
from runtime.errors import BuildFailed, EngineError, ErrorSet, Place, SourceError

_LAST_LINES = 12
"""Of what a failed instruction said."""


def for_user(error: EngineError, about: str = "") -> ComposeError:
    """Return what is reported of an error of the runtime; `about` is what was being done, as progress names it."""
    if isinstance(error, ErrorSet):
        return ErrorGroup([for_user(each, about) for each in error.errors])
    if isinstance(error, SourceError):
        return ExecutionError(error.message, hint=error.hint, span=_span(error.place), context=_context(error))
    return ExecutionError(f"{about}: {error.message}" if about else error.message, hint=error.hint)


def _context(error: SourceError) -> str:
    if not isinstance(error, BuildFailed) or not error.output.strip():
        return ""
    lines = error.output.replace("\r\n", "\n").strip("\n").split("\n")
    return "\n".join(["its last output:", *(f"  {line}" for line in lines[-_LAST_LINES:])])


def _span(place: Place) -> Span:
    return Span(place.file, place.line, place.column, place.text, place.length)
