"""Progress away from a terminal: one line whenever a resource's word changes, as docker compose prints it."""

import threading
from typing import TextIO

from compose.events import BuildProgress, Progress, ProgressEvent
from compose.render.build_plain import PlainBuilds
from compose.render.text import escaped

DRY_RUN_PREFIX = " DRY-RUN MODE - "


class PlainRenderer:
    """` Container shop-web-1  Started`."""

    def __init__(self, stream: TextIO, *, dry_run: bool = False) -> None:
        self._stream = stream
        self._prefix = DRY_RUN_PREFIX if dry_run else ""
        self._shown: dict[tuple[str, str], str] = {}
        self._builds = PlainBuilds(stream)
        self._lock = threading.Lock()

    def start(self, title: str) -> None:
        """Print nothing: the lines say it all."""

    def on(self, event: ProgressEvent | BuildProgress) -> None:
        """Print the line, unless it is the one printed last for that resource."""
        if isinstance(event, BuildProgress):
            with self._lock:
                self._builds.on(event)
            return
        text = _image_line(event) if event.is_image else _line(event)
        key = (event.parent, event.resource)
        with self._lock:
            if self._shown.get(key) == text:
                return
            self._shown[key] = text
            self._stream.write(f"{self._prefix} {text}\n")
            self._stream.flush()

    def done(self, *, success: bool) -> None:
        """Print nothing: errors come after the renderer has ended."""


def _line(event: ProgressEvent) -> str:
    text = f"{escaped(event.resource)}  {escaped(event.text)}"
    warns = event.progress is Progress.WARNING and event.reason
    return f"{text}: {escaped(event.reason)}" if warns else text


def _image_line(event: ProgressEvent) -> str:
    """Return `web Pulled `: docker compose's form for images, with the space at its end."""
    told = event.parent or event.progress in (Progress.ERROR, Progress.WARNING)
    return f"{escaped(event.resource)} {escaped(event.text)} {escaped(event.reason) if told else ''}"


def renderer(stream: TextIO, *, dry_run: bool = False, colour: bool = False) -> PlainRenderer:  # noqa: ARG001 - one signature for all modes
    """Return the renderer of this mode."""
    return PlainRenderer(stream, dry_run=dry_run)
