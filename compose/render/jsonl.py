"""Progress for programs: one JSON object a line on standard error.

Keys are docker compose's (`dry-run`, `id`, `status`, `text`, `details`; `error`, `message`).
"""

import json
import threading
from typing import TextIO

from compose.events import Progress, ProgressEvent

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

    def on(self, event: ProgressEvent) -> None:
        """Print one object."""
        line: dict[str, object] = {"dry-run": True} if self._dry_run else {}
        line |= {"id": event.resource, "status": _STATUS[event.progress], "text": event.text}
        if event.reason:
            line["details"] = event.reason
        with self._lock:
            self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._stream.flush()

    def done(self, *, success: bool) -> None:
        """Print nothing: what failed has been said, and the error follows."""


def error_line(message: str) -> str:
    """Return the object that ends a failed command."""
    return json.dumps({"error": True, "message": message}, ensure_ascii=False)


def renderer(stream: TextIO, *, dry_run: bool = False, colour: bool = False) -> JSONRenderer:  # noqa: ARG001 - one signature for all modes
    """Return the renderer of this mode."""
    return JSONRenderer(stream, dry_run=dry_run)
