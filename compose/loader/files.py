"""One file after the other: read, interpolated, included, extended, merged, made canonical.

Source: compose-go, loader/loader.go (loadYamlModel, loadYamlFile).
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from compose import errors
from compose.errors import (
    EXIT_FILE_NOT_FOUND,
    CircularDependency,
    ComposeError,
    ErrorGroup,
    MissingFile,
    ProjectError,
)
from compose.loader.canonical import canonical
from compose.loader.defaults import check, set_defaults
from compose.loader.discovery import read_env_file
from compose.loader.extends import Extender
from compose.loader.include import Include, entries, import_resources
from compose.loader.interpolation import interpolate
from compose.loader.merge import merge
from compose.loader.normalize import inherit_variables
from compose.loader.options import LoadOptions
from compose.loader.paths import resolve_paths
from compose.loader.places import Source, Sources
from compose.loader.problem import Path, Problem, Problems, at_reference
from compose.loader.reset import apply_resets
from compose.loader.schema import check_schema
from compose.loader.schema_service import COMPOSE_FILE
from compose.loader.source import require_local
from compose.loader.tree_path import Tree
from compose.loader.unicity import enforce_unicity
from compose.loader.yaml_source import Document, read_documents


@dataclass(frozen=True, slots=True)
class Scope:
    """What a file is loaded in: its project directory, its variables, the files that include it."""

    working_dir: str
    variables: Mapping[str, str]
    including: tuple[str, ...] = ()


@dataclass(slots=True)
class FileLoader:
    """Loads the files of one project; remembers sources, warnings, and files that services extend."""

    options: LoadOptions
    sources: Sources = field(default_factory=Sources)
    warnings: list[errors.Warning] = field(default_factory=list)
    included: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Variables from the env files of `include`: value and place."""
    _read: dict[str, tuple[Source, list[Document]]] = field(default_factory=dict)
    _bases: list[tuple[str, Mapping[str, str], Tree, Sequence[Path]]] = field(default_factory=list)
    """Files that services extend, with the variables that they saw."""

    def report(self, message: str, path: Path = (), hint: str = "") -> None:
        """Note a warning about a path, once."""
        if all(known.message != message for known in self.warnings):
            self.warnings.append(errors.Warning(message, self.sources.span(path) if path else None, hint))

    @contextmanager
    def placed(self, *sources: Source) -> Iterator[None]:
        """Turn Problems into ComposeErrors that have their place; in these sources, or in all."""
        try:
            yield
        except Problem as problem:
            raise self._error(problem, sources) from None
        except Problems as problems:
            found = [self._error(problem, sources) for problem in problems.problems]
            raise (found[0] if len(found) == 1 else ErrorGroup(found)) from None

    def _error(self, problem: Problem, sources: Sequence[Source]) -> ComposeError:
        where = Sources(list(sources)) if sources else self.sources
        return problem.kind(
            problem.message, hint=problem.hint, span=where.span(problem.path, problem.needle, on_key=problem.on_key)
        )

    def names(self, files: Sequence[str]) -> Iterator[tuple[str, Source]]:
        """The top-level `name` of each document. Raises ComposeFileError."""
        for file in files:
            source, documents = self.documents(file)
            for document in documents:
                with self.placed(source):
                    _require_mapping(document)
                    name = document.tree.get("name")
                    if isinstance(name, list | dict):
                        raise Problem("name must be a string: cannot unmarshal a collection", ("name",))
                if isinstance(name, str):
                    yield name, source

    def documents(self, file: str) -> tuple[Source, list[Document]]:
        """A file's documents; parsed once. Raises ComposeFileError."""
        if file not in self._read:
            source = Source(file, "")
            with self.placed(source):
                self._read[file] = (source, read_documents(source, self._bytes(file)))
            self.sources.add(source)
        return self._read[file]

    def _bytes(self, file: str) -> bytes:
        if file == "-":
            return self.options.stdin
        try:
            return self.options.reader.read(file)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise MissingFile(f"open {file}: {reason}") from None

    def model(self, files: Sequence[str], scope: Scope) -> Tree:
        """The merged model of some files, canonical, with defaults and absolute paths. Raises ComposeError."""
        tree: Tree = {}
        for file in files:
            source, documents = self.documents(file)
            for document in documents:
                tree = self._merge_document(tree, document, source, scope)
        with self.placed():
            set_defaults(tree)
            check(tree)
            if self.options.resolve_paths or scope.including:
                self._resolve_paths(tree, scope.working_dir)
        inherit_variables(tree, scope.variables)
        return tree

    def _merge_document(self, tree: Tree, document: Document, source: Source, scope: Scope) -> Tree:
        """The stages, in the order of the specification."""
        with self.placed(source):
            own = self._interpolated(document, scope)
        with self.placed():
            self._include(own, document, replace(scope, including=(*scope.including, source.file)))
            apply_resets(tree, document.resets)
            Extender(source.file, lambda file: self._base(file, scope), self.sources.bases).apply(own, document.resets)
            tree = merge(tree, own)
            enforce_unicity(tree)
            check_schema(tree, COMPOSE_FILE)
            self._drop_version(tree, source)
            self._canonical(tree)
        return tree

    def _interpolated(self, document: Document, scope: Scope) -> Tree:
        _require_mapping(document)
        tree: Tree = document.take()
        if self.options.interpolate:
            interpolate(tree, scope.variables, self.report)
        return tree

    def _canonical(self, tree: Tree) -> None:
        canonical(tree, self.report, lenient=not self.options.interpolate)
        services = tree.get("services")
        for service in services.values() if isinstance(services, dict) else ():
            if isinstance(service, dict) and isinstance(service.get("dns"), list):
                service["dns"] = [server for server in service["dns"] if server not in ("", None)]
        enforce_unicity(tree)

    def _drop_version(self, tree: Tree, source: Source) -> None:
        if "version" in tree:
            obsolete = "the attribute `version` is obsolete, it will be ignored, please remove it to avoid confusion"
            self.report(f"{source.file}: {obsolete}", ("version",))
            del tree["version"]

    def _resolve_paths(self, tree: Tree, base: str) -> None:
        resolve_paths(tree, base, self.options.environment.get("HOME"), self.options.reader)

    def _base(self, file: str, scope: Scope) -> tuple[str, Tree, Sequence[Path]]:
        """A file that a service extends: canonical, not validated, its own paths resolved."""
        path = posixpath.normpath(posixpath.join(scope.working_dir, require_local(file)))
        for known, variables, tree, resets in self._bases:
            if known == path and variables is scope.variables:
                return path, tree, resets
        tree, resets = self._read_base(path, scope)
        self._bases.append((path, scope.variables, tree, resets))
        return path, tree, resets

    def _read_base(self, path: str, scope: Scope) -> tuple[Tree, Sequence[Path]]:
        source, documents = self.documents(path)
        tree: Tree = {}
        resets: Sequence[Path] = ()
        for document in documents:
            with self.placed(source):
                own = self._interpolated(document, scope)
            resets = document.resets
            apply_resets(tree, resets)
            tree = merge(tree, own)
            enforce_unicity(tree)
            self._canonical(tree)
        self._resolve_paths(tree, posixpath.dirname(path))
        return tree, resets

    def _include(self, tree: Tree, document: Document, scope: Scope) -> None:
        for entry in entries(tree, scope.working_dir, self.options.reader):
            if entry.files and entry.files[0] in scope.including:
                chain = (*scope.including, entry.files[0])
                message = f"include cycle detected:\n{chain[0]}\n include " + "\n include ".join(chain[1:])
                raise Problem(message, ("include", entry.index), kind=CircularDependency)
            variables = {**self._included_variables(entry, scope.variables), **scope.variables}
            inner = Scope(entry.project_directory, variables, scope.including)
            try:
                included = self.model(entry.files, inner)
            except MissingFile as error:
                raise at_reference(error, ("include", entry.index)) from None
            import_resources(included, tree, document.resets)
        tree.pop("include", None)

    def _included_variables(self, entry: Include, variables: Mapping[str, str]) -> dict[str, str]:
        default = posixpath.join(entry.project_directory, ".env")
        files = entry.env_files
        if files is None:
            files = (default,) if self.options.reader.is_file(default) else ()
        found: dict[str, str] = {}
        origins: dict[str, str] = {}
        for file in files:
            if not self.options.reader.is_file(file):
                reason = "is a directory" if self.options.reader.is_directory(file) else "no such file or directory"
                raise ProjectError(f"{file}: {reason}", exit_code=EXIT_FILE_NOT_FOUND)
            found.update(read_env_file(file, variables, found, self.options, origins))
        for name, value in found.items():
            self.included.setdefault(name, (value, origins[name]))
        return found


def _require_mapping(document: Document) -> None:
    if not isinstance(document.tree, dict):
        kind = "a list" if isinstance(document.tree, list) else "nothing" if document.tree is None else "a scalar"
        raise Problem(f"Top-level object must be a mapping: cannot unmarshal {kind}")
