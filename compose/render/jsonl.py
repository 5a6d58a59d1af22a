"""Progress for programs: one JSON object a line on standard error.

Keys are docker compose's (`dry-run`, `id`, `status`, `text`, `details`; `error`, `message`). Errors and warnings are
objects too, with their place.
"""

import json
import threading
from typing import TextIO

from compose import errors
from compose.errors import ComposeError, ErrorGroup
from compose.events import BuildProgress, Progress, ProgressEvent
from schemas.engine.builds import BuildStage

_STATUS = {
    Progress.WORKING: "Working",
    Progress.WAITING: "Working",
    Progress.DONE: "Done",
    Progress.WARNING: "Warning",
    Progress.ERROR: "Error",
}


class JSONRenderer:
    """`{"id": "Container shop-web-1", "status": "Done", "text": "Started"}`."""

    def __init__(self, stream: TextIO, *, dry_run: bool = False) -> None:
        self._stream = stream
        self._dry_run = dry_run
        self._lock = threading.Lock()

    def start(self, title: str) -> None:
        """Print nothing: a title is for people."""

    def on(self, event: ProgressEvent | BuildProgress) -> None:
        """Print one object."""
        if isinstance(event, BuildProgress):
            self._print(_build_line(event))
            return
        line: dict[str, object] = {"dry-run": True} if self._dry_run else {}
        line |= {"id": event.resource, "status": _STATUS[event.progress], "text": event.text}
        if event.parent:
            line["parent_id"] = event.parent
        if event.reason:
            line["details"] = event.reason
        if event.total_bytes:
            line |= {
                "current": event.current_bytes,
                "total": event.total_bytes,
                "percent": event.current_bytes * 100 // event.total_bytes,
            }
        self._print(line)

    def _print(self, line: dict[str, object]) -> None:
        with self._lock:
            self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._stream.flush()

    def done(self, *, success: bool) -> None:
        """Print nothing: what failed has been said, and the error follows."""


def _build_line(progress: BuildProgress) -> dict[str, object]:
    event = progress.event
    line: dict[str, object] = {"id": progress.title, "parent_id": progress.service}
    match event.stage:
        case BuildStage.FAILED:
            return {**line, "status": "Error", "text": "Error", "details": event.text}
        case BuildStage.CACHED | BuildStage.DONE | BuildStage.CANCELED:
            return {**line, "status": "Done", "text": event.stage.name}
        case BuildStage.OUTPUT:
            return {**line, "status": "Working", "text": event.text}
        case _:
            return {**line, "status": "Working", "text": "Building"}


def error_lines(error: ComposeError) -> str:
    """Return one object for each error of a failed command; `error` and `message` are docker compose's keys."""
    errors = error.errors if isinstance(error, ErrorGroup) else (error,)
    return "".join(_line({"error": True, "severity": "error", **_finding(each)}) for each in errors)


def warning_line(warning: errors.Warning) -> str:
    """Return the object for a warning."""
    return _line({"severity": "warning", **_finding(warning)})


def _finding(found: ComposeError | errors.Warning) -> dict[str, object]:
    """What docs/diagnostics.md describes; what is unknown is left out."""
    told: dict[str, object] = {"code": found.code, "message": found.message}
    if isinstance(found, ComposeError) and found.path:
        told["path"] = ".".join(map(str, found.path))
    span = found.span
    if span is not None:
        told |= {
            "file": span.file,
            "line": span.line,
            "column": span.column,
            "end_column": span.column + span.length,
            "text": span.text,
        }
    told |= {key: text for key, text in (("note", found.context), ("hint", found.hint)) if text}
    return told


def _line(told: dict[str, object]) -> str:
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace").decode() + "\n"


def renderer(stream: TextIO, *, dry_run: bool = False, colour: bool = False) -> JSONRenderer:  # noqa: ARG001 - one signature for all modes
    """Return the renderer of this mode."""
    return JSONRenderer(stream, dry_run=dry_run)
