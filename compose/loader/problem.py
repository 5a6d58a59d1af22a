"""What a stage of the loader finds wrong.

Stages know paths in the tree, not files. The pipeline catches a Problem and gives it its place, so
that no stage carries positions along and a load without errors pays nothing for them.
"""

from collections.abc import Iterable
from dataclasses import field
from itertools import islice
from typing import Protocol, TypeAlias

from compose.errors import ComposeError, MissingFile, SchemaViolation
from schemas.dataclass import dataclass

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list indexes from the root of the model."""


TOO_LARGE = "too-large"
"""The code of what ends the run at once: to look for more would take what the limit is there to save."""

MAX_TOLD = 100
"""Errors, and kinds of warnings, that are told of one project."""


@dataclass(eq=False)
class Problem(Exception):
    """One thing wrong, at one path."""

    message: str
    path: Path = ()
    kind: type[ComposeError] = field(default=SchemaViolation, kw_only=True)
    code: str = field(default="", kw_only=True)
    """A finer word than that of `kind`."""
    hint: str = field(default="", kw_only=True)
    needed: str = field(default="", kw_only=True)
    """The key that is missing."""
    note: str = field(default="", kw_only=True)
    """What one has to know to understand the message."""
    also: tuple[str, Path] | None = field(default=None, kw_only=True)
    """Something that has to do with it, and its path: the other of two that exclude each other."""
    needle: str = field(default="", kw_only=True)
    """A text that helps to find the list item, where merging moved the indexes."""
    fragment: str = field(default="", kw_only=True)
    """The part of the value's text that is wrong, as it is written."""
    on_key: bool = field(default=False, kw_only=True)
    """The key is wrong, not its value."""

    def __post_init__(self) -> None:
        super().__init__(self.message)


class Problems(Exception):
    """Several things wrong, independent of each other."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        following = iter(problems)
        self.problems = tuple(islice(following, MAX_TOLD))
        self.more = next(following, None) is not None
        """There are others, which are not looked at: finding places and hints costs more than finding errors."""
        super().__init__("\n".join(problem.message for problem in self.problems))


class Report(Protocol):
    """Where a stage tells what is odd and no error."""

    def __call__(
        self,
        message: str,
        path: Path = (),
        hint: str = "",
        *,
        fragment: str = "",
        code: str = "warning",
        on_key: bool = False,
    ) -> None:
        """Note a warning about a path, a fragment of the text there, or the key alone."""


def at_reference(error: MissingFile, path: Path) -> Exception:
    """Return the error of a file that another one names, at the place where it does, unless it has a place."""
    return error if error.span else Problem(error.message, path, kind=MissingFile)


def dotted(path: Path) -> str:
    """`services.web.ports.0`, as the schema's messages name a place."""
    return ".".join(map(str, path)) or "(root)"


def listed(path: Path) -> str:
    """`services.web.ports.[]`, as interpolation and the canonical tables name a place."""
    return ".".join("[]" if isinstance(part, int) else part for part in path)


def indexed(path: Path) -> str:
    """`services.web.ports.[0]`, as the tables of unique items name a place."""
    return ".".join(f"[{part}]" if isinstance(part, int) else part for part in path)
