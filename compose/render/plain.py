"""Progress away from a terminal: one line whenever a resource's word changes, as docker compose prints it."""

import threading
from typing import TextIO

from compose.events import Progress, ProgressEvent
from compose.render.text import escaped

DRY_RUN_PREFIX = " DRY-RUN MODE - "


class PlainRenderer:
    """` Container shop-web-1  Started`."""

    def __init__(self, stream: TextIO, *, dry_run: bool = False) -> None:
        self._stream = stream
        self._prefix = DRY_RUN_PREFIX if dry_run else ""
        self._shown: dict[str, str] = {}
        self._lock = threading.Lock()

    def start(self, title: str) -> None:
        """Print nothing: the lines say it all."""

    def on(self, event: ProgressEvent) -> None:
        """Print the line, unless it is the one printed last for that resource."""
        text = escaped(event.text)
        if event.progress is Progress.WARNING and event.reason:
            text += f": {escaped(event.reason)}"
        with self._lock:
            if self._shown.get(event.resource) == text:
                return
            self._shown[event.resource] = text
            self._stream.write(f"{self._prefix} {escaped(event.resource)}  {text}\n")
            self._stream.flush()

    def done(self, *, success: bool) -> None:
        """Print nothing: errors come after the renderer has ended."""


def renderer(stream: TextIO, *, dry_run: bool = False, colour: bool = False) -> PlainRenderer:  # noqa: ARG001 - one signature for all modes
    """Return the renderer of this mode."""
    return PlainRenderer(stream, dry_run=dry_run)
