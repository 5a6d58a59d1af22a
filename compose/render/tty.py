"""Progress on a terminal: a live view, one line a resource, with state, reason and time.

[+] Running 1/2
 ✔ Container shop-db-1   Healthy                                             1.2s
 ⠋ Container shop-web-1  Waiting  for db to be healthy                       0.8s

An image on its way has a line for each layer, until it is there:

[+] Pulling 2/4
 ✔ db   Pulled                                                               1.2s
 ⠋ web  Pulling  [⣿⣤] 4.22MB / 7.14MB                                        2.3s
   ✔ 11432035704a  Pull complete                                             0.8s
   ⠋ d6066e5950b6  Downloading       3.08MB / 6MB                            2.2s
"""

import threading
import time
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from compose.events import BuildProgress, Progress, ProgressEvent
from compose.render import build_tty
from compose.render.build_lines import BuildSteps
from compose.render.plain import DRY_RUN_PREFIX
from compose.render.progress_lines import Line, Lines
from compose.render.text import escaped, middle_ellipsis

REFRESHES_PER_SECOND = 10
_BESIDE_NAME_AND_WORD = len(" ✔ ") + len("  ") + len(" 100.0s ")
_LEAST_NAME = 12
_LAYER_WORD = len("Pulling fs layer")
_WIDE = 60
"""Columns from which on layers have a column for what happens to them."""
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_MARKS = {Progress.DONE: ("✔", "green"), Progress.WARNING: ("!", "yellow"), Progress.ERROR: ("✘", "red")}
_STYLES = {Progress.DONE: "green", Progress.WARNING: "yellow", Progress.ERROR: "bold red"}


class TerminalRenderer:
    """Draws with rich's Live, which restores the cursor on any exit."""

    def __init__(self, stream: TextIO, *, dry_run: bool = False, colour: bool = True) -> None:
        self._console = Console(
            file=stream, force_terminal=True, no_color=not colour, highlight=False, markup=False, emoji=False
        )
        self._prefix = DRY_RUN_PREFIX.strip() if dry_run else ""
        self._title = ""
        self._lines = Lines()
        self._builds = BuildSteps()
        self._began_s = 0.0
        self._lock = threading.RLock()
        self._live: Live | None = None
        self._complete = False
        self._failed = False

    def start(self, title: str) -> None:
        """Begin to draw; nothing shows before the first event."""
        self._title = title
        self._lines = Lines()
        self._builds = BuildSteps()
        self._began_s = time.monotonic()
        self._complete = False

    def on(self, event: ProgressEvent | BuildProgress) -> None:
        """Take in one event; the view is drawn again at the next refresh."""
        with self._lock:
            if isinstance(event, BuildProgress):
                self._builds.update(event)
            else:
                self._lines.update(event)
            if self._live is None:
                self._live = Live(
                    self,
                    console=self._console,
                    refresh_per_second=REFRESHES_PER_SECOND,
                    redirect_stdout=False,
                    redirect_stderr=False,
                    vertical_overflow="visible",
                )
                self._live.start()

    def done(self, *, success: bool) -> None:
        """Draw every line once more and let go of the terminal."""
        if self._live is not None:
            self._complete = True
            self._failed = not success
            self._live.stop()
            self._live = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if len(self._builds):
            # What is built is told by its steps; the images' own lines would only say it again.
            height, width = options.size.height, options.max_width
            with self._lock:
                view = list(
                    build_tty.drawn(self._builds, self._began_s, height=height, width=width, complete=self._complete)
                )
            yield from view
            return
        lines = self._lines.all() if self._complete else self._lines.fitting(options.size.height - 2)
        resources = [line for line in lines if not line.parent]
        now = time.monotonic()
        width = max((len(escaped(line.resource)) for line in resources), default=0)
        words = max((len(escaped(line.text)) for line in resources), default=0)
        # A narrow terminal costs the names their middle, so that what happens can still be seen.
        width = min(width, max(options.max_width - words - _BESIDE_NAME_AND_WORD, _LEAST_NAME))
        yield self._headline()
        for line in lines:
            yield drawn(line, now, resource_width=width, total_width=options.max_width)

    def _headline(self) -> Text:
        finished, count = self._lines.finished, len(self._lines)
        title = " ".join(filter(None, ("[+]", self._prefix, f"{self._title} {finished}/{count}")))
        colour = "red" if self._failed else "blue"
        return Text(title, style=colour if self._failed or finished == count else "", no_wrap=True)


def drawn(line: Line, now_s: float, *, resource_width: int, total_width: int) -> Text:
    """Return one row of the view, no wider than `total_width` columns, with names in `resource_width` of them."""
    spinner = _SPINNER[int(now_s * REFRESHES_PER_SECOND) % len(_SPINNER)]
    mark, colour = _MARKS.get(line.progress, (spinner, "yellow"))
    timer = f"{line.elapsed_s(now_s):.1f}s "
    text = Text(no_wrap=True, overflow="ellipsis")
    word = escaped(line.text)
    if line.parent:
        text.append(f"   {mark} ", style=colour)
        text.append(f"{escaped(line.resource)}  ")
        # One column, where there is room for one.
        word = f"{word:<{_LAYER_WORD}}" if total_width >= _WIDE else word
    else:
        text.append(f" {mark} ", style=colour)
        text.append(f"{middle_ellipsis(escaped(line.resource), resource_width):<{resource_width}}  ")
    text.append(word, style=_STYLES.get(line.progress, ""))
    room = total_width - len(timer) - 1
    transfer = "" if line.is_final else line.transfer(room - len(text) - 2)
    if transfer:
        text.append(f"  {transfer}", style="cyan")
    # A cause of one word is the command's own name.
    elif " " in line.reason and line.progress is not Progress.DONE:
        text.append(f"  {escaped(line.reason)}", style="dim")
    text.truncate(room, overflow="ellipsis", pad=True)
    text.append(f" {timer}", style="blue")
    return text


def renderer(stream: TextIO, *, dry_run: bool = False, colour: bool = False) -> TerminalRenderer:
    """Return the renderer of this mode."""
    return TerminalRenderer(stream, dry_run=dry_run, colour=colour)
