"""`up -d` when nothing has changed since the last one: known without loading the project.

After an `up` without a warning everything that it looked at is noted: the command line, the environment, every
answer of the file system, and (by the runtime) the project's state. While all of it is the same, so is the
answer, and the models, the graph and the plan need not even be imported. Whatever differs leads to the whole way.
"""

import json
from typing import TYPE_CHECKING, Any

from compose.cli.context import Context
from compose.cli.exit_codes import SUCCESS
from compose.cli.noted import STANDARD_INPUT, RecordingReader, holds, is_notable, question
from compose.events import Progress, ProgressEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from compose.cli.noted import Builds

_FORCING = (
    "always_recreate_deps",
    "dry_run",
    "force_recreate",
    "no_start",
    "renew_anon_volumes",
    "wait",
    "watch",
)
"""Flags that ask for work even where nothing has changed, or for another kind of answer."""


def report(context: Context) -> int | None:
    """Tell that all containers run already, if that is known and nothing is built; return the exit code then."""
    note = recalled(context)
    return None if note is None or note["builds"] else tell(context, note["containers"])


def recalled(context: Context) -> dict[str, Any] | None:
    """Return what is noted, if the question is the same, and so are the project and all that was looked at."""
    if not _applies(context):
        return None
    text = context.sessions().recall(context.location().name)
    if text is None:
        return None
    note: dict[str, Any] = json.loads(text)
    is_same = "builds" in note and note["asked"] == question(context) and holds(context, note["answers"])
    return note if is_same else None


def tell(context: Context, containers: "Iterable[str]") -> int:
    """Tell that containers run already."""
    events = context.progress()
    events.start("Running")
    for name in containers:
        events.on(ProgressEvent(f"Container {name}", Progress.DONE, "Running"))
    events.done(success=True)
    return SUCCESS


def remember(context: Context, reader: RecordingReader, containers: "Iterable[str]", builds: "Builds | None") -> None:
    """Note what an `up` without a warning has looked at; `containers` are those that run now.

    `builds` are those that the same `up` would begin with again; None: they cannot be noted.
    """
    if builds is None or not (is_notable(context, reader) and _applies(context)):
        return
    note = {
        "asked": question(context),
        "answers": reader.answers,
        "containers": list(containers),
        "builds": builds,
    }
    context.runtime().remember(context.location().name, json.dumps(note))


def _applies(context: Context) -> bool:
    options = context.options
    return options.detach and STANDARD_INPUT not in options.file and not any(getattr(options, f) for f in _FORCING)
