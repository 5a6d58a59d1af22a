"""The state of a live view: one line a resource. No output here; tty.py draws it."""

from dataclasses import dataclass, replace

from compose.events import Progress, ProgressEvent

FINAL = frozenset({Progress.DONE, Progress.WARNING, Progress.ERROR})


@dataclass(frozen=True, slots=True)
class Line:
    """Where one resource stands. Times are of the monotonic clock, in seconds."""

    resource: str
    progress: Progress
    text: str
    reason: str
    since_s: float
    until_s: float | None = None
    """When it reached a final state; None while it has not."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected to happen to it."""
        return self.progress in FINAL

    def elapsed_s(self, now_s: float) -> float:
        """Return how long the resource has been worked on."""
        return max(0.0, (self.until_s if self.until_s is not None else now_s) - self.since_s)


class Lines:
    """All resources in the order in which they were first heard of."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def update(self, event: ProgressEvent) -> None:
        """Take in one event."""
        known = self._lines.get(event.resource)
        until = event.time_s if event.progress in FINAL else None
        if known is None:
            line = Line(event.resource, event.progress, event.text, event.reason, event.time_s, until)
        else:
            line = replace(known, progress=event.progress, text=event.text, reason=event.reason, until_s=until)
        self._lines[event.resource] = line

    @property
    def finished(self) -> int:
        """How many resources are in a final state."""
        return sum(line.is_final for line in list(self._lines.values()))

    def __len__(self) -> int:
        return len(self._lines)

    def all(self) -> list[Line]:
        """Return every line."""
        return list(self._lines.values())

    def fitting(self, height: int) -> list[Line]:
        """Return at most `height` lines in order, dropping finished ones first, the oldest before all."""
        lines = self.all()
        surplus = len(lines) - height
        if surplus <= 0:
            return lines
        droppable = [line.resource for line in lines if line.is_final][:surplus]
        kept = [line for line in lines if line.resource not in set(droppable)]
        return kept[: max(height, 0)]
