"""The files of a project as they can be published: as they are written, with other names for the files beside them.

In an artefact all files lie in one folder, and none may tell where it came from: what a service extends and its env
files get names of digits. The rest of the text stays, comments and all.
Source: docker compose, pkg/compose/publish.go and pkg/compose/transform/replace.go.
"""

import hashlib
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from compose.errors import ProjectError
from compose.loader.interpolation import interpolate_text
from compose.loader.places import Clue, Extent, Source
from compose.loader.problem import Path
from compose.loader.source import SourceReader, resolve
from compose.loader.yaml_source import Document, read_documents
from compose.remote.names import is_remote
from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file under the name that it gets."""

    path: str
    """On this machine."""
    name: str
    content: bytes
    is_extended: bool = False
    """It is no part of the project by itself."""


@dataclass(slots=True)
class Publication:
    """What a project consists of."""

    compose_files: list[PublishedFile] = field(default_factory=list)
    """The project's own in their order, then those that are extended."""
    env_files: dict[str, str] = field(default_factory=dict)
    """The env files that exist: path to the name that they get."""
    services: list[tuple[str, Any]] = field(default_factory=list)
    """Each service as it is written, without interpolation, by its name; one may be there several times."""
    configs: list[tuple[str, Any]] = field(default_factory=list)
    """Likewise the configs of the project's own files."""


@dataclass(slots=True)
class Publisher:
    """Collects the files of a project that was loaded before, so that all of them are well."""

    reader: SourceReader
    variables: Mapping[str, str]
    found: Publication = field(default_factory=Publication)
    _extended: dict[str, str] = field(default_factory=dict)

    def collect(self, files: Sequence[str], working_dir: str) -> Publication:
        """Return what has to be published. Raises ProjectError for what cannot be."""
        for file in files:
            if file == "-":
                raise ProjectError("cannot publish what comes from standard input", hint="`-f` names a file")
            self._add(file, posixpath.basename(file), working_dir, is_extended=False)
        # The loop goes on over what it finds.
        done: set[str] = set()
        while waiting := [file for file in self._extended if file not in done]:
            for file in waiting:
                done.add(file)
                self._add(file, self._extended[file], posixpath.dirname(file), is_extended=True)
        return self.found

    def _add(self, file: str, name: str, base: str, *, is_extended: bool) -> None:
        content = self.reader.read(file)
        source = Source(file, "")
        changes: dict[Extent, str] = {}
        for document in read_documents(source, content):
            tree = document.tree if isinstance(document.tree, dict) else {}
            if not is_extended:
                self._require_no_local_include(document, tree)
            for service, written in _section(tree, "services"):
                self.found.services.append((service, written))
                for path, replacement in self._renamed(("services", service), written, base):
                    changes[_extent(document, path)] = replacement
            self.found.configs += _section(tree, "configs") if not is_extended else ()
        content = _changed(source, changes).encode() if changes else content
        self.found.compose_files.append(PublishedFile(file, name, content, is_extended))

    def _require_no_local_include(self, document: Document, tree: Mapping[str, Any]) -> None:
        for index, entry in enumerate(tree.get("include") or ()):
            named = entry.get("path") if isinstance(entry, dict) else entry
            if any(not is_remote(str(each)) for each in (named if isinstance(named, list) else [named])):
                span = document.source.span(_extent(document, ("include", index)))
                hint = "publish the included project by itself, and include it by its `oci://` reference"
                raise ProjectError("cannot publish compose file with local includes", span=span, hint=hint)

    def _renamed(self, path: Path, service: Any, base: str) -> Iterator[tuple[Path, str]]:
        """Each place in a service that names a file, and the name it gets."""
        for place, text in _env_files(service):
            file = self._absolute(text, base, (*path, *place))
            name = f"{_digits(file)}.env"
            if self.reader.is_file(file):
                self.found.env_files[file] = name
            yield (*path, *place), name
        extends = service.get("extends") if isinstance(service, dict) else None
        base_file = extends.get("file") if isinstance(extends, dict) else None
        if isinstance(base_file, str) and not is_remote(base_file):
            place = (*path, "extends", "file")
            file = self._absolute(base_file, base, place)
            self._extended[file] = f"{_digits(file)}.yaml"
            yield place, self._extended[file]

    def _absolute(self, text: str, base: str, path: Path) -> str:
        return resolve(base, interpolate_text(text, self.variables, path))


def _digits(file: str) -> str:
    return hashlib.sha256(file.encode()).hexdigest()


def _section(tree: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    section = tree.get(name)
    return list(section.items()) if isinstance(section, dict) else []


def _env_files(service: Any) -> Iterator[tuple[Path, str]]:
    written = service.get("env_file") if isinstance(service, dict) else None
    if isinstance(written, str):
        yield ("env_file",), written
    for index, item in enumerate(written if isinstance(written, list) else ()):
        if isinstance(item, dict) and isinstance(item.get("path"), str):
            yield ("env_file", index, "path"), item["path"]
        elif isinstance(item, str):
            yield ("env_file", index), item


def _extent(document: Document, path: Path) -> Extent:
    """Where in the text a value is written."""
    (locator,) = document.source.documents
    return locator.locate(path, Clue()).extent


def _changed(source: Source, changes: Mapping[Extent, str]) -> str:
    """The text with other values at some places."""
    starts = [0]
    for line in source.text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    text = source.text
    for extent in sorted(changes, reverse=True):
        begin, end = starts[extent.line] + extent.column, starts[extent.end_line] + extent.end_column
        text = text[:begin] + changes[extent] + text[end:]
    return text
