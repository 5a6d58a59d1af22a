"""The files of a project: how they are read, and where in them a path of the model is.

All reading goes through a SourceReader, so that tests give the loader a dict of texts. Positions
are looked up on demand, in the node graph that parsing leaves behind.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from compose.errors import ProjectError, Span
from compose.loader.problem import Path


class SourceReader(Protocol):
    """The loader's only way to files. Paths are absolute."""

    def read(self, path: str) -> bytes:
        """The content. Raises OSError."""

    def is_file(self, path: str) -> bool:
        """Whether something other than a folder is there."""

    def is_directory(self, path: str) -> bool:
        """Whether a folder is there."""

    def real_path(self, path: str) -> str:
        """The path without symbolic links."""


class DiskReader:
    """Reads the host's files."""

    def read(self, path: str) -> bytes:
        """The content. Raises OSError."""
        with open(path, "rb") as file:
            return file.read()

    def is_file(self, path: str) -> bool:
        """Whether something other than a folder is there (a FIFO counts: `--env-file <(…)`)."""
        return os.path.exists(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112 - str in, str out: no Path built

    def is_directory(self, path: str) -> bool:
        """Whether a folder is there."""
        return os.path.isdir(path)  # noqa: PTH112 - as above

    def real_path(self, path: str) -> str:
        """The path without symbolic links."""
        return os.path.realpath(path)


def resolve(base: str, path: str) -> str:
    """`path` as an absolute, cleaned path; a relative one starts at `base`."""
    return os.path.normpath(os.path.join(base, path))  # noqa: PTH118 - `//` and `..` as Go's filepath.Join


def require_local(file: str) -> str:
    """The file's name, if it is one of this machine. Raises ProjectError for Compose files at a URL."""
    if "://" in file or file.startswith("git@"):
        hint = "download it, and name the local copy"
        raise ProjectError(f"{file}: Compose files at a URL are not supported", hint=hint)
    return file


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
