"""The state of a live view: one line a resource, below it those of its layers. No output here; tty.py draws it."""

from collections.abc import Sequence
from dataclasses import replace

from compose.events import Progress, ProgressEvent
from compose.render.duration import human_size
from schemas.dataclass import dataclass

FINAL = frozenset({Progress.DONE, Progress.WARNING, Progress.ERROR})
_FILLING = "⡀⣀⣄⣤⣦⣶⣷⣿"
_LEAST_SIGNS = 4


@dataclass(frozen=True, slots=True)
class Line:
    """Where one resource, or a layer of an image, stands. Times are of the monotonic clock, in seconds."""

    resource: str
    progress: Progress
    text: str
    reason: str
    since_s: float
    until_s: float | None = None
    """When it reached a final state; None while it has not."""
    parent: str = ""
    """The resource that a layer belongs to."""
    current_bytes: int = 0
    total_bytes: int = 0
    layers: tuple["Line", ...] = ()
    """Of an image on its way, in the order in which they were first heard of."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected to happen to it."""
        return self.progress in FINAL

    def transfer(self, room: int) -> str:
        """How far an image is, `[⣿⣦⡀] 12.3MB / 40MB` with a sign for each layer, or a layer, `3MB / 6MB`.

        Empty without bytes and layers. Where `room` is too small for so many signs, one stands for several layers.
        """
        parts = self.layers or (self,)
        total = sum(part.total_bytes for part in parts)
        current = sum(part.current_bytes for part in parts)
        amount = f"{human_size(current)} / {human_size(total)}" if total and (current or self.layers) else ""
        if not self.layers:
            return amount
        signs = _signs(self.layers, max(room - len(amount) - len("[] "), _LEAST_SIGNS))
        return f"[{signs}] {amount}".rstrip()

    def elapsed_s(self, now_s: float) -> float:
        """Return how long the resource has been worked on."""
        return max(0.0, (self.until_s if self.until_s is not None else now_s) - self.since_s)


class Lines:
    """All resources in the order in which they were first heard of."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def update(self, event: ProgressEvent) -> None:
        """Take in one event."""
        if not event.parent:
            self._lines[event.resource] = _advanced(self._lines.get(event.resource), event)
            return
        line = self._lines.get(event.parent)
        if line is not None:
            layers = {layer.resource: layer for layer in line.layers}
            layers[event.resource] = _advanced(layers.get(event.resource), event)
            self._lines[event.parent] = replace(line, layers=tuple(layers.values()))

    @property
    def finished(self) -> int:
        """How many resources and layers are in a final state."""
        return sum(part.is_final for line in self.all() for part in (line, *line.layers))

    def __len__(self) -> int:
        return sum(1 + len(line.layers) for line in self.all())

    def all(self) -> list[Line]:
        """Return the line of every resource."""
        return list(self._lines.values())

    def fitting(self, height: int) -> list[Line]:
        """Return at most `height` lines in order, layers below what they belong to as long as that goes on.

        What has least to say is left out first: layers that are done, those that wait, resources that are done (the
        oldest before all), layers on their way.
        """
        lines = [part for line in self.all() for part in (line, *(() if line.is_final else line.layers))]
        surplus = len(lines) - height
        if surplus > 0:
            ranked = sorted((rank, place) for place, line in enumerate(lines) if (rank := _rank(line)) is not None)
            dropped = {place for _, place in ranked[:surplus]}
            lines = [line for place, line in enumerate(lines) if place not in dropped]
        return lines[: max(height, 0)]


def _advanced(known: Line | None, event: ProgressEvent) -> Line:
    """Return a line after an event."""
    is_final = event.progress in FINAL
    total, current = event.total_bytes, event.current_bytes
    if known is not None and not total:
        # A stage without bytes: what was counted stays, all of it once the layer is done.
        total = known.total_bytes
        current = total if is_final else known.current_bytes
    since = known.since_s if known is not None else event.time_s
    return Line(
        event.resource,
        event.progress,
        event.text,
        event.reason,
        since,
        event.time_s if is_final else None,
        event.parent,
        current,
        total,
        known.layers if known is not None else (),
    )


def _rank(line: Line) -> int | None:
    """Return how soon a line is left out, None for one that stays."""
    if not line.parent:
        return 2 if line.is_final else None
    if line.is_final:
        return 0
    return 3 if line.current_bytes else 1


def _signs(layers: Sequence[Line], room: int) -> str:
    """Return a sign for each layer, or for as many neighbours as it takes to need no more than `room`."""
    together = -(-len(layers) // room)
    return "".join(_sign(layers[at : at + together]) for at in range(0, len(layers), together))


def _sign(layers: Sequence[Line]) -> str:
    if all(layer.is_final for layer in layers):
        return _FILLING[-1]
    current = sum(layer.current_bytes for layer in layers)
    total = sum(layer.total_bytes for layer in layers)
    return _FILLING[min(current * len(_FILLING) // total, len(_FILLING) - 1)] if current and total else " "
