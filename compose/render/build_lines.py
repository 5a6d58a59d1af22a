"""The builds of a command as a list of steps, numbered in the order in which they began. No output here."""

import re
from dataclasses import field

from compose.events import BuildProgress
from schemas.dataclass import dataclass
from schemas.engine.builds import BuildStage

FINAL = frozenset({BuildStage.CACHED, BuildStage.DONE, BuildStage.FAILED, BuildStage.CANCELED})
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_MOST_LINES = 6
"""Of what a step says, while it goes on."""


@dataclass(slots=True)
class BuildStep:
    """One step. Times in seconds."""

    number: int
    title: str
    since_s: float
    stage: BuildStage = BuildStage.STARTED
    elapsed_s: float = 0.0
    reason: str = ""
    partial: str = ""
    """What it said after its last line end."""
    lines: list[str] = field(default_factory=list)
    """The last ones that it said."""

    @property
    def is_final(self) -> bool:
        """Whether it is over."""
        return self.stage in FINAL

    def take(self, text: str) -> list[str]:
        """Take in a piece of output; return the lines that are complete now."""
        *ended, self.partial = (self.partial + text).split("\n")
        complete = [readable(line) for line in ended]
        self.lines = [*self.lines, *complete][-_MOST_LINES:]
        return complete

    def rest(self) -> list[str]:
        """Return what was said without a line end, at the end."""
        rest, self.partial = readable(self.partial), ""
        return [rest] if rest else []


def readable(line: str) -> str:
    """Return a program's line as it stands in the end: no colours, tabs as blanks, what was overwritten left out."""
    return _COLOURS.sub("", line.rstrip("\r").rpartition("\r")[2]).expandtabs()


class BuildSteps:
    """All steps of all builds of a command."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, int], BuildStep] = {}

    def update(self, progress: BuildProgress) -> tuple[BuildStep, list[str]]:
        """Take in what happened; return the step and the lines that are to be shown of it now."""
        event = progress.event
        key = (progress.service, event.step)
        step = self._steps.get(key)
        if step is None:
            step = BuildStep(len(self._steps) + 1, progress.title, progress.time_s - event.elapsed_s)
            self._steps[key] = step
        step.elapsed_s = event.elapsed_s
        if event.stage is BuildStage.OUTPUT:
            return step, step.take(event.text)
        step.stage = event.stage
        step.reason = event.text
        return step, step.rest() if step.is_final else []

    def __len__(self) -> int:
        return len(self._steps)

    def all(self) -> list[BuildStep]:
        """Return every step in its order."""
        return list(self._steps.values())

    @property
    def finished(self) -> int:
        """How many are over."""
        return sum(step.is_final for step in self.all())
