"""`up -d` when nothing has changed since the last one: known without loading the project.

After an `up` without a warning everything that it looked at is noted: the command line, the environment, every
answer of the file system, and (by the runtime) the project's state. While all of it is the same, so is the
answer, and the models, the graph and the plan need not even be imported. Whatever differs leads to the whole way.
"""

import hashlib
import json
import os
from typing import TYPE_CHECKING

from compose.cli.context import Context
from compose.events import Progress, ProgressEvent
from compose.loader.source import DiskReader
from compose.version import __version__

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

_STANDARD_INPUT = "-"


class RecordingReader(DiskReader):
    """Reads the host's files and remembers what it was told."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], str] = {}

    @property
    def answers(self) -> list[list[str]]:
        """Question, path and answer, in the order of the first asking."""
        return [[question, path, answer] for (question, path), answer in self._answers.items()]

    def read(self, path: str) -> bytes:
        """The content. Raises OSError."""
        try:
            content = super().read(path)
        except OSError:
            self._answers["read", path] = ""
            raise
        self._answers["read", path] = hashlib.sha256(content).hexdigest()
        return content

    def is_file(self, path: str) -> bool:
        """Whether something other than a folder is there."""
        answer = super().is_file(path)
        self._answers["is_file", path] = str(answer)
        return answer

    def is_directory(self, path: str) -> bool:
        """Whether a folder is there."""
        answer = super().is_directory(path)
        self._answers["is_directory", path] = str(answer)
        return answer

    def real_path(self, path: str) -> str:
        """The path without symbolic links."""
        answer = super().real_path(path)
        self._answers["real_path", path] = answer
        return answer

    def note_content(self, path: str) -> None:
        """Remember a file that others read: the source of a secret or config."""
        try:
            self.read(path)
        except OSError:
            return


def report(context: Context) -> bool:
    """Tell that all containers run already, if that is known; return whether it is."""
    if not _applies(context):
        return False
    project = context.location().name
    text = context.sessions().recall(project)
    if text is None:
        return False
    note = json.loads(text)
    if note["asked"] != _asked(context) or not _is_same(note["answers"]):
        return False
    events = context.progress()
    events.start("Running")
    for name in note["containers"]:
        events.on(ProgressEvent(f"Container {name}", Progress.DONE, "Running"))
    events.done(success=True)
    return True


def remember(context: Context, reader: RecordingReader, containers: "Iterable[str]") -> None:
    """Note what an `up` without a warning has looked at; `containers` are those that run now."""
    if context.has_warned or context.has_fetched() or not _applies(context):
        return
    note = {"asked": _asked(context), "answers": reader.answers, "containers": list(containers)}
    context.runtime().remember(context.location().name, json.dumps(note))


def _applies(context: Context) -> bool:
    options = context.options
    return options.detach and _STANDARD_INPUT not in options.file and not any(getattr(options, f) for f in _FORCING)


def _asked(context: Context) -> str:
    """Return a digest of the command line and all stands around it: environment, folder, version."""
    whole = (__version__, os.getcwd(), context.arguments, sorted(os.environ.items()))  # noqa: PTH109 - hashed as it is
    return hashlib.sha256(repr(whole).encode(errors="surrogateescape")).hexdigest()


def _is_same(answers: list[list[str]]) -> bool:
    again = RecordingReader()
    for question, path, _ in answers:
        if question == "read":
            again.note_content(path)
        else:
            getattr(again, question)(path)
    return again.answers == answers
