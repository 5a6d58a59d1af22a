"""`up -d` when nothing has changed since the last one: known without loading the project.

After an `up` without a warning everything that it looked at is noted: the command line, the environment, every
answer of the file system, and (by the runtime) the project's state. While all of it is the same, so is the
answer, and the models, the graph and the plan need not even be imported. Whatever differs leads to the whole way.
"""

import json
from typing import TYPE_CHECKING

from compose.cli.context import Context
from compose.cli.exit_codes import SUCCESS
from compose.cli.noted import STANDARD_INPUT, RecordingReader, holds, is_notable, question
from compose.events import Progress, ProgressEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORCING = (
    "always_recreate_deps",
    "build",
    "dry_run",
    "force_recreate",
    "no_start",
    "renew_anon_volumes",
    "wait",
    "watch",
)
"""Flags that ask for work even where nothing has changed, or for another kind of answer."""


def report(context: Context) -> int | None:
    """Tell that all containers run already, if that is known; return the exit code then."""
    if not _applies(context):
        return None
    project = context.location().name
    text = context.sessions().recall(project)
    if text is None:
        return None
    note = json.loads(text)
    if note["asked"] != question(context) or not holds(context, note["answers"]):
        return None
    events = context.progress()
    events.start("Running")
    for name in note["containers"]:
        events.on(ProgressEvent(f"Container {name}", Progress.DONE, "Running"))
    events.done(success=True)
    return SUCCESS


def remember(context: Context, reader: RecordingReader, containers: "Iterable[str]") -> None:
    """Note what an `up` without a warning has looked at; `containers` are those that run now."""
    if not (is_notable(context, reader) and _applies(context)):
        return
    note = {"asked": question(context), "answers": reader.answers, "containers": list(containers)}
    context.runtime().remember(context.location().name, json.dumps(note))


def _applies(context: Context) -> bool:
    options = context.options
    return options.detach and STANDARD_INPUT not in options.file and not any(getattr(options, f) for f in _FORCING)
