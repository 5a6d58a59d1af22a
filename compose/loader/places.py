"""The Compose files that were read, and where in them a path of the model is.

Positions are looked up on demand, in the node graph that parsing leaves behind.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from compose.errors import Span
from compose.loader.problem import Path


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar's place; line and column count from 0."""

    line: int
    column: int
    text: str


class Locator(Protocol):
    """Finds paths in one parsed document."""

    def locate(self, path: Path, needle: str, *, on_key: bool) -> tuple[int, Scalar]:
        """How many parts of the path exist, and the place of the deepest one."""


@dataclass(slots=True)
class Source:
    """One Compose file that was read."""

    file: str
    text: str
    documents: list[Locator] = field(default_factory=list)

    def span(self, scalar: Scalar) -> Span:
        """The place as errors show it, with its line."""
        lines = self.text.splitlines()
        line = lines[scalar.line] if scalar.line < len(lines) else ""
        length = max(1, min(len(scalar.text), len(line) - scalar.column)) if scalar.text else 1
        return Span(self.file, scalar.line + 1, scalar.column + 1, line, length)


@dataclass(slots=True)
class Sources:
    """All Compose files read so far, in the order of reading: what overrides comes later."""

    sources: list[Source] = field(default_factory=list)
    bases: dict[str, list[str]] = field(default_factory=dict)
    """Service to those that it extends: what it inherits is written there."""

    def add(self, source: Source) -> None:
        """Remember a file."""
        self.sources.append(source)

    def span(self, path: Path, needle: str = "", *, on_key: bool = False) -> Span | None:
        """The best place for a path: the deepest match, in the latest file that has it."""
        best: tuple[int, Span] | None = None
        for candidate in self._written_at(path):
            for source, document in self._documents():
                depth, scalar = document.locate(candidate, needle, on_key=on_key)
                if depth and (best is None or depth > best[0] or (depth == best[0] and candidate == path)):
                    best = (depth, source.span(scalar))
        return best[1] if best else None

    def _written_at(self, path: Path) -> list[Path]:
        """The path, then the same below the services that this one extends."""
        paths, names = [path], [path[1]] if path[:1] == ("services",) and len(path) > 1 else []
        for name in names:
            following = [base for base in self.bases.get(str(name), ()) if base not in names]
            names += following
            paths += [("services", base, *path[2:]) for base in following]
        return paths

    def _documents(self) -> Iterable[tuple[Source, Locator]]:
        for source in self.sources:
            for document in source.documents:
                yield source, document
