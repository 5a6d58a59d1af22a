"""Builds away from a terminal: BuildKit's plain progress.

#5 [web 2/3] RUN make
#5 0.171 cc -o a a.c
#5 DONE 0.2s
"""

from typing import TextIO

from compose.events import BuildProgress
from compose.render.build_lines import BuildStep, BuildSteps
from compose.render.text import escaped
from schemas.engine.builds import BuildStage


class PlainBuilds:
    """Prints what happens to steps; a blank line stands between those of different steps."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._steps = BuildSteps()
        self._current: BuildStep | None = None

    def on(self, progress: BuildProgress) -> None:
        """Print what is new."""
        step, lines = self._steps.update(progress)
        stage = progress.event.stage
        if stage is BuildStage.OUTPUT and not lines:
            return
        self._turn_to(step)
        for line in lines:
            self._write(f"#{step.number} {step.elapsed_s:.3f} {escaped(line)}")
        if ending := _ending(step):
            self._write(f"#{step.number} {ending}")
        self._stream.flush()

    def _turn_to(self, step: BuildStep) -> None:
        if self._current is step:
            return
        if self._current is not None:
            self._write("" if self._current.is_final else f"#{self._current.number} ...\n")
        self._write(f"#{step.number} {escaped(step.title)}")
        self._current = step

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")


def _ending(step: BuildStep) -> str:
    match step.stage:
        case BuildStage.CACHED:
            return "CACHED"
        case BuildStage.DONE:
            return f"DONE {step.elapsed_s:.1f}s"
        case BuildStage.FAILED:
            return f"ERROR: {escaped(step.reason)}"
        case BuildStage.CANCELED:
            return "CANCELED"
        case _:
            return ""
