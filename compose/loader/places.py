"""The Compose files that were read, and where in them a path of the model is.

Positions are looked up on demand, in the node graph that parsing leaves behind.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Any, NamedTuple, Protocol

from compose.errors import Span
from compose.loader.problem import Path
from schemas.dataclass import dataclass

_COMMENT = re.compile(r"\s+#.*$")


class Extent(NamedTuple):
    """From where to where something is written; lines and columns count from 0."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Clue:
    """What tells a place from others, beside its path."""

    needle: str = ""
    """The text of the list item, where merging moved the indexes."""
    fragment: str = ""
    """The part of the text that is meant, as it is written."""
    on_key: bool = False
    """The key is meant, not its value."""
    values: Sequence[Any] = ()
    """The values along the path, as they are in the model."""


class Found(NamedTuple):
    """What a document knows of a path."""

    depth: int
    """Parts of the path that are written there."""
    certain: int
    """List items on the way that were told by more than their index."""
    extent: Extent


class Locator(Protocol):
    """Finds paths in one parsed document."""

    def locate(self, path: Path, clue: Clue) -> Found:
        """The place of the deepest part of a path."""

    def plain_scalars(self, pattern: tuple[str | None, ...]) -> Iterator[tuple[str, Extent]]:
        """The texts without quotes at the paths of a pattern, in which None stands for any key or index."""


@dataclass(slots=True)
class Source:
    """One Compose file that was read."""

    file: str
    text: str
    documents: list[Locator] = field(default_factory=list)
    _lines: list[str] | None = None

    @property
    def lines(self) -> list[str]:
        """The text by lines, as YAML counts them."""
        if self._lines is None:
            self._lines = self.text.splitlines()
        return self._lines

    def span(self, extent: Extent) -> Span:
        """The place as errors show it, with its line; of several lines, the first."""
        line = self.lines[extent.line] if extent.line < len(self.lines) else ""
        end = extent.end_column if extent.end_line == extent.line else len(_COMMENT.sub("", line).rstrip())
        return Span(self.file, extent.line + 1, extent.column + 1, line, max(1, end - extent.column))

    def narrowed(self, extent: Extent, fragment: str) -> Extent | None:
        """Where in an extent a fragment is written."""
        for number in range(extent.line, min(extent.end_line + 1, len(self.lines))):
            start = self.lines[number].find(fragment, extent.column if number == extent.line else 0)
            if start >= 0:
                return Extent(number, start, number, start + len(fragment))
        return None


@dataclass(slots=True)
class Sources:
    """All Compose files read so far: what overrides comes after what it overrides."""

    sources: list[Source] = field(default_factory=list)
    bases: dict[str, list[str]] = field(default_factory=dict)
    """Service to those that it extends: what it inherits is written there."""

    def add(self, source: Source, over: Source | None = None) -> None:
        """Remember a file; one that is included or extended comes before the file `over` it."""
        places = [index for index, known in enumerate(self.sources) if known is over]
        self.sources.insert(places[0] if places else len(self.sources), source)

    def span(self, path: Path, clue: Clue = Clue(), preferred: Sequence[Locator] = ()) -> Span | None:
        """The best place for a path: the deepest and surest match, in a preferred document or the topmost file."""
        best: tuple[tuple[int, int, bool, bool], Span] | None = None
        for candidate in self._written_at(path):
            for source, document in self._documents():
                found = document.locate(candidate, clue)
                if not found.depth and path:
                    continue
                narrowed = source.narrowed(found.extent, clue.fragment) if clue.fragment else None
                rank = (found.depth, found.certain + (narrowed is not None), candidate == path, document in preferred)
                if best is None or rank >= best[0]:
                    best = (rank, source.span(narrowed or found.extent))
        return best[1] if best else None

    def _written_at(self, path: Path) -> list[Path]:
        """The path, then the same below the services that this one extends."""
        paths, names = [path], [path[1]] if path[:1] == ("services",) and len(path) > 1 else []
        for name in names:
            following = [base for base in self.bases.get(str(name), ()) if base not in names]
            names += following
            paths += [("services", base, *path[2:]) for base in following]
        return paths

    def _documents(self) -> Iterator[tuple[Source, Locator]]:
        for source in self.sources:
            for document in source.documents:
                yield source, document


def values_along(tree: Any, path: Path) -> list[Any]:
    """The values at each part of a path, as far as it goes."""
    values = []
    for part in path:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            break
        values.append(tree)
    return values
