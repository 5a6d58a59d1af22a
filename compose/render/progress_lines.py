"""The state of a live view: one line a resource. No output here; tty.py draws it."""

from dataclasses import replace

from compose.events import Progress, ProgressEvent
from compose.render.duration import human_size
from schemas.dataclass import dataclass

FINAL = frozenset({Progress.DONE, Progress.WARNING, Progress.ERROR})
_FILLING = "⡀⣀⣄⣤⣦⣶⣷⣿"


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
    layers: tuple[ProgressEvent, ...] = ()
    """The latest of each layer of an image, in the order in which they were first heard of."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected to happen to it."""
        return self.progress in FINAL

    @property
    def transfer(self) -> str:
        """How far the layers of an image are, one sign for each: `[⣿⣦⡀] 12.3MB / 40MB`; empty without layers."""
        if not self.layers:
            return ""
        signs = "".join(_sign(layer) for layer in self.layers)
        total = sum(layer.total_bytes for layer in self.layers)
        current = sum(layer.current_bytes for layer in self.layers)
        return f"[{signs}] {human_size(current)} / {human_size(total)}" if total else f"[{signs}]"

    def elapsed_s(self, now_s: float) -> float:
        """Return how long the resource has been worked on."""
        return max(0.0, (self.until_s if self.until_s is not None else now_s) - self.since_s)


class Lines:
    """All resources in the order in which they were first heard of."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def update(self, event: ProgressEvent) -> None:
        """Take in one event."""
        if event.parent:
            self._update_layer(event)
            return
        known = self._lines.get(event.resource)
        until = event.time_s if event.progress in FINAL else None
        if known is None:
            line = Line(event.resource, event.progress, event.text, event.reason, event.time_s, until)
        else:
            line = replace(known, progress=event.progress, text=event.text, reason=event.reason, until_s=until)
        self._lines[event.resource] = line

    def _update_layer(self, event: ProgressEvent) -> None:
        line = self._lines.get(event.parent)
        if line is None:
            return
        layers = {layer.resource: layer for layer in line.layers}
        known = layers.get(event.resource)
        if known is not None and not event.total_bytes and known.total_bytes:
            # A stage without bytes: what was counted stays, all of it once the layer is done.
            current = known.total_bytes if event.progress in FINAL else known.current_bytes
            event = replace(event, total_bytes=known.total_bytes, current_bytes=current)
        layers[event.resource] = event
        self._lines[event.parent] = replace(line, layers=tuple(layers.values()))

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


def _sign(layer: ProgressEvent) -> str:
    if layer.progress in FINAL:
        return _FILLING[-1]
    if not layer.total_bytes:
        return " "
    return _FILLING[min(layer.current_bytes * len(_FILLING) // layer.total_bytes, len(_FILLING) - 1)]
