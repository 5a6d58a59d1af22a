"""What a command looked at before it decided: noted, so that the next one can tell that it would decide the same.

A note answers only while the command line, the environment, the folder and every answer of the file system are what
they were. What a command looks at on its way to a decision therefore goes through the RecordingReader.
"""

import hashlib
import os
from typing import Any

from compose.cli.context import Context
from compose.cli.options import pipes_of
from compose.loader.source import DiskReader
from compose.version import __version__

STANDARD_INPUT = "-"
Answers = list[list[str]]
"""Question, path and answer, in the order of the first asking."""
Builds = list[list[Any]]
"""Of a plan: what is built, as plain data, and the numbers of what comes before."""


class RecordingReader(DiskReader):
    """Reads the host's files and remembers what it was told."""

    def __init__(self, pipes: dict[str, bytes] | None = None) -> None:
        super().__init__(pipes)
        self._answers: dict[tuple[str, str], str] = {}

    @property
    def answers(self) -> Answers:
        """All that was asked."""
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


def is_notable(context: Context, reader: RecordingReader) -> bool:
    """Whether the same answers will lead to the same decision, can be had again, and leave nothing to be said."""
    return not reader.pipes and not context.has_warned and not context.has_fetched()


def question(context: Context) -> str:
    """Return a digest of the command line and all that stands around it: environment, folder, version."""
    whole = (__version__, os.getcwd(), context.arguments, sorted(os.environ.items()))  # noqa: PTH109 - hashed as it is
    return hashlib.sha256(repr(whole).encode(errors="surrogateescape")).hexdigest()


def holds(context: Context, answers: Answers) -> bool:
    """Ask everything again; return whether all answers are the same."""
    again = RecordingReader(pipes_of(context.options))
    for asked, path, _ in answers:
        if asked == "read":
            again.note_content(path)
        else:
            getattr(again, asked)(path)
    return again.answers == answers
