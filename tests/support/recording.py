"""An event processor that remembers."""

import threading

from compose.events import BuildProgress, ProgressEvent


class Recording:
    """Lines as docker compose prints them, and what frames them."""

    def __init__(self) -> None:
        self.events: list[ProgressEvent] = []
        self.steps: list[BuildProgress] = []
        self.ended: bool | None = None
        self.title = ""
        self._lock = threading.Lock()

    def start(self, title: str) -> None:
        self.title = title

    def on(self, event: ProgressEvent | BuildProgress) -> None:
        with self._lock:
            if isinstance(event, BuildProgress):
                self.steps.append(event)
            else:
                self.events.append(event)

    def done(self, *, success: bool) -> None:
        self.ended = success

    @property
    def lines(self) -> list[str]:
        """Resource and word of every event."""
        return [f"{event.resource}  {event.text}" for event in self.events]

    def reasons(self, text: str) -> list[str]:
        """Reasons of the events with a word."""
        return [event.reason for event in self.events if event.text == text]
