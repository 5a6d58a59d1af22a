"""Builds on a terminal: one line a step, below it the last that a running one says, as BuildKit draws it.

[+] Building 3.2s (4/6)
 => [web 2/3] RUN make                                                        2.1s
 => => # cc -o a a.c
"""

import time
from collections.abc import Iterator

from rich.text import Text

from compose.render.build_lines import BuildStep, BuildSteps
from compose.render.text import escaped
from schemas.engine.builds import BuildStage

_STYLES = {
    BuildStage.STARTED: "",
    BuildStage.DONE: "blue",
    BuildStage.CACHED: "blue",
    BuildStage.FAILED: "bold red",
    BuildStage.CANCELED: "yellow",
}
_MARKS = {BuildStage.CACHED: "CACHED ", BuildStage.FAILED: "ERROR ", BuildStage.CANCELED: "CANCELED "}
_LEAST_SHOWN = 3


def drawn(steps: BuildSteps, since_s: float, *, height: int, width: int, complete: bool) -> Iterator[Text]:
    """Yield the lines of a view of all steps, as many as fit."""
    now_s = time.monotonic()
    yield Text(f"[+] Building {now_s - since_s:.1f}s ({steps.finished}/{len(steps)})", no_wrap=True)
    shown = steps.all() if complete else _fitting(steps.all(), max(height - 2, _LEAST_SHOWN))
    for step in shown:
        yield _line(step, now_s, width)
        if not step.is_final and not complete:
            for said in step.lines:
                yield _cut(Text(f" => => # {escaped(said)}", style="dim", no_wrap=True), width)


def _fitting(steps: list[BuildStep], height: int) -> list[BuildStep]:
    """What fits: steps that go on with what they say, then the latest of those that are over."""
    running = [step for step in steps if not step.is_final]
    room = height - sum(1 + len(step.lines) for step in running)
    over = [step for step in steps if step.is_final][-room:] if room > 0 else []
    kept = {id(step) for step in (*running, *over)}
    return [step for step in steps if id(step) in kept][:height]


def _line(step: BuildStep, now_s: float, width: int) -> Text:
    elapsed = step.elapsed_s if step.is_final else now_s - step.since_s
    timer = f"{elapsed:.1f}s"
    title = " ".join(escaped(step.title).split())
    text = Text(f" => {_MARKS.get(step.stage, '')}{title}", style=_STYLES.get(step.stage, ""), no_wrap=True)
    text.truncate(max(width - len(timer) - 2, 1), overflow="ellipsis", pad=True)
    text.append(f" {timer}")
    return text


def _cut(text: Text, width: int) -> Text:
    text.truncate(max(width - 1, 1), overflow="ellipsis")
    return text
