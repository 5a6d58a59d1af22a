"""What a stage of the loader finds wrong.

Stages know paths in the tree, not files. The pipeline catches a Problem and gives it its place, so
that no stage carries positions along and a load without errors pays nothing for them.
"""

from typing import TypeAlias

from compose.errors import ComposeError, MissingFile, SchemaViolation

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list indexes from the root of the model."""


class Problem(Exception):
    """One thing wrong, at one path."""

    def __init__(
        self,
        message: str,
        path: Path = (),
        *,
        kind: type[ComposeError] = SchemaViolation,
        hint: str = "",
        needle: str = "",
        on_key: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.kind = kind
        self.hint = hint
        self.needle = needle
        """A text that helps to find the list item, where merging moved the indexes."""
        self.on_key = on_key
        """The key is wrong, not its value."""


class Problems(Exception):
    """Several things wrong, independent of each other."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(problem.message for problem in problems))
        self.problems = tuple(problems)


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
