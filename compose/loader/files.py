"""One file after the other: read, interpolated, included, extended, merged, made canonical.

Source: compose-go, loader/loader.go (loadYamlModel, loadYamlFile).
"""

import functools
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace

from compose.errors import CircularDependency, ComposeFileError, ErrorGroup, MissingFile, ProjectError, Span
from compose.loader.canonical import canonical
from compose.loader.defaults import check, set_defaults
from compose.loader.discovery import read_env_file
from compose.loader.extends import Copies, Extender
from compose.loader.findings import Failures, Findings
from compose.loader.include import MAX_DEPTH, MAX_INCLUDED, Include, entries, import_resources
from compose.loader.interpolation import interpolate
from compose.loader.mending import mend
from compose.loader.merge import merge
from compose.loader.normalize import inherit_variables
from compose.loader.options import LoadOptions
from compose.loader.overlooked import warn_of_overlooked
from compose.loader.paths import resolve_paths
from compose.loader.places import Source
from compose.loader.problem import TOO_LARGE, Path, Problem, Problems, at_reference
from compose.loader.references import References, references_of
from compose.loader.reset import apply_resets
from compose.loader.schema import check_schema
from compose.loader.schema_service import COMPOSE_FILE
from compose.loader.source import EXCESS, MAX_FILE_BYTES
from compose.loader.tree_path import Tree
from compose.loader.unicity import enforce_unicity
from compose.loader.yaml_source import Document, read_documents
from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """What a file is loaded in: its project directory, its variables, the files that include it."""

    working_dir: str
    variables: Mapping[str, str]
    including: tuple[str, ...] = ()
    over: Source | None = None
    """The file that includes or extends what is loaded."""
    given: str = ""
    """The project directory, where the local file that includes a fetched one names it."""


@dataclass(slots=True)
class FileLoader:
    """Loads the files of one project; remembers what was found, and files that services extend."""

    options: LoadOptions
    findings: Findings = field(default_factory=Findings)
    failures: Failures = field(default_factory=Failures)
    """Errors of what was left out, to be raised when the rest has been looked at."""
    included: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Variables from the env files of `include`: value and place."""
    _read: dict[str, tuple[Source, list[Document]]] = field(default_factory=dict)
    _inclusions: int = 0
    _copies: Copies = field(default_factory=Copies)
    _bases: list[tuple[str, Mapping[str, str], Tree, Sequence[Path]]] = field(default_factory=list)
    """Files that services extend, with the variables that they saw."""

    def names(self, files: Sequence[str]) -> Iterator[tuple[str, Source]]:
        """The top-level `name` of each document. Raises ComposeFileError."""
        for file in files:
            source, documents = self.documents(file)
            for document in documents:
                with self.findings.placed(document.source):
                    _require_mapping(document)
                    name = document.tree.get("name")
                    if isinstance(name, list | dict):
                        raise Problem("name must be a string: cannot unmarshal a collection", ("name",))
                if isinstance(name, str):
                    yield name, source

    def documents(self, file: str, over: Source | None = None) -> tuple[Source, list[Document]]:
        """A file's documents; parsed once. `over` is the file that names it, if any. Raises ComposeFileError."""
        if file not in self._read:
            source = Source(file, "")
            with self.findings.placed(source):
                self._read[file] = (source, read_documents(source, self._bytes(file)))
            self.findings.sources.add(source, over)
        return self._read[file]

    def _bytes(self, file: str) -> bytes:
        if file == "-":
            if len(self.options.stdin) > MAX_FILE_BYTES:
                raise ComposeFileError(f"standard input: {EXCESS}", span=Span("-", 1, 1))
            return self.options.stdin
        try:
            return self.options.reader.read(file)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise MissingFile(f"open {file}: {reason}") from None

    def model(self, files: Sequence[str], scope: Scope) -> Tree:
        """The merged model of some files, canonical, with defaults and absolute paths.

        Raises ComposeError, for each file that is wrong: after one that is, the others are still looked at.
        """
        tree: Tree = {}
        failures = Failures()
        for file in files:
            with failures.collected():
                source, documents = self.documents(file, scope.over)
                for document in documents:
                    with failures.collected():
                        own = self._own(document, source, scope)
                        if failures.errors:
                            self._check_alone(own, document)
                        else:
                            tree = self._merged(tree, own, document, source)
        failures.raise_any()
        with self.findings.placed(tree=tree):
            set_defaults(tree)
            check(tree)
            if self.options.resolve_paths or scope.including:
                self._resolve_paths(tree, scope.working_dir)
        inherit_variables(tree, scope.variables)
        return tree

    def _own(self, document: Document, source: Source, scope: Scope) -> Tree:
        """What a document says, with what it includes and extends."""
        failures = Failures()
        tree: Tree = {}
        with failures.collected():
            tree = self._taken(document)
            with self.findings.placed(document.source, tree=tree):
                self._interpolate(tree, scope)
                warn_of_overlooked(tree, self.findings.report)
        inner = replace(scope, including=(*scope.including, source.file), over=source)
        references = self._references(source.file, scope)
        with failures.collected(), self.findings.placed(document.source, tree=tree):
            references.check_service_files(tree)
        with failures.collected():
            self._include(tree, document, inner, references)
        with failures.collected(), self.findings.placed(tree=tree, own=document.source):
            read = functools.partial(self._base, scope=inner)
            Extender(source.file, read, self.findings.sources.bases, self._copies).apply(tree, document.resets)
        if failures.errors:
            with failures.collected(following=True):
                self._check_alone(tree, document)
        failures.raise_any()
        return tree

    def _check_alone(self, own: Tree, document: Document) -> None:
        """Check a document that cannot be merged, because something is wrong already; what it lacks, others may say."""
        with self.findings.placed(document.source, tree=own):
            check_schema(own, COMPOSE_FILE, complete=False)

    def _merged(self, tree: Tree, own: Tree, document: Document, source: Source) -> Tree:
        """A document over those before it: the stages in the order of the specification."""
        with self.findings.placed(tree=own):
            apply_resets(tree, document.resets)
            tree = merge(tree, own)
        failures = Failures()
        with failures.collected(), self.findings.placed(tree=tree):
            enforce_unicity(tree)
        with failures.collected(following=True), self.findings.placed(tree=tree):
            check_schema(tree, COMPOSE_FILE)
        if failures.errors:
            self._put_off(failures, tree)
        with self.findings.placed(tree=tree):
            self._drop_version(tree, source)
            self._canonical(tree)
        return tree

    def _put_off(self, failures: Failures, tree: Tree) -> None:
        """Keep errors for later, and the tree without what they are about; raise them where that is not enough."""
        if not mend(tree, failures.errors):
            failures.raise_any()
        try:
            check_schema(tree, COMPOSE_FILE)
        except Problems:
            failures.raise_any()
        with self.failures.collected():
            failures.raise_any()

    def _taken(self, document: Document) -> Tree:
        with self.findings.placed(document.source):
            _require_mapping(document)
        tree: Tree = document.take()
        return tree

    def _interpolate(self, tree: Tree, scope: Scope) -> None:
        if self.options.interpolate:
            interpolate(tree, scope.variables, self.findings.report)

    def _canonical(self, tree: Tree) -> None:
        canonical(tree, self.findings.report, lenient=not self.options.interpolate)
        services = tree.get("services")
        for service in services.values() if isinstance(services, dict) else ():
            if isinstance(service, dict) and isinstance(service.get("dns"), list):
                service["dns"] = [server for server in service["dns"] if server not in ("", None)]
        enforce_unicity(tree)

    def _drop_version(self, tree: Tree, source: Source) -> None:
        if "version" in tree:
            obsolete = (
                "the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion"
            )
            message = f"{source.file}: {obsolete}"
            with self.findings.placed(source):
                self.findings.report(message, ("version",), "delete the line", code="obsolete-version")
            del tree["version"]

    def _resolve_paths(self, tree: Tree, base: str) -> None:
        resolve_paths(tree, base, self.options.environment.get("HOME"), self.options.reader)

    def _references(self, file: str, scope: Scope) -> References:
        return references_of(file, scope.working_dir, self.options, scope.given)

    def _base(self, name: str, file: str, place: Path, scope: Scope) -> tuple[str, Tree, Sequence[Path]]:
        """What a service of `file` extends, by its name there: canonical, not validated, its own paths resolved."""
        path = self._references(file, scope).compose_file(name, place)
        for known, variables, tree, resets in self._bases:
            if known == path and variables is scope.variables:
                return path, tree, resets
        tree, resets = self._read_base(path, scope)
        self._bases.append((path, scope.variables, tree, resets))
        return path, tree, resets

    def _read_base(self, path: str, scope: Scope) -> tuple[Tree, Sequence[Path]]:
        source, documents = self.documents(path, scope.over)
        tree: Tree = {}
        resets: Sequence[Path] = ()
        for document in documents:
            own = self._taken(document)
            with self.findings.placed(document.source, tree=own):
                self._interpolate(own, scope)
                warn_of_overlooked(own, self.findings.report)
                references_of(path, posixpath.dirname(path), self.options).check_service_files(own)
            resets = document.resets
            with self.findings.placed(source, tree=tree):
                apply_resets(tree, resets)
                tree = merge(tree, own)
                enforce_unicity(tree)
                self._canonical(tree)
        self._resolve_paths(tree, posixpath.dirname(path))
        return tree, resets

    def _include(self, tree: Tree, document: Document, scope: Scope, references: References) -> None:
        failures = Failures()
        with failures.collected(), self.findings.placed(tree=tree, own=document.source):
            for entry in entries(tree, references):
                with failures.collected(), self.findings.placed(tree=tree, own=document.source):
                    import_resources(self._included(entry, scope, references), tree, document.resets)
        tree.pop("include", None)
        failures.raise_any()

    def _included(self, entry: Include, scope: Scope, references: References) -> Tree:
        path = ("include", entry.index)
        self._inclusions += 1
        if self._inclusions > MAX_INCLUDED:
            message = f"more than {MAX_INCLUDED} files are included, each counted as often as it is"
            raise Problem(message, path, kind=ComposeFileError, code=TOO_LARGE)
        if len(scope.including) > MAX_DEPTH:
            message = f"`include` goes on for more than {MAX_DEPTH} files"
            raise Problem(message, path, kind=ComposeFileError, code=TOO_LARGE)
        if entry.files and entry.files[0] in scope.including:
            chain = (*scope.including, entry.files[0])
            message = f"include cycle detected:\n{chain[0]}\n include " + "\n include ".join(chain[1:])
            raise Problem(message, path, kind=CircularDependency)
        variables = {**self._included_variables(entry, scope.variables), **scope.variables}
        given = "" if references.fence else entry.given_directory
        inner = replace(scope, working_dir=entry.project_directory, variables=variables, given=given)
        try:
            return self.model(entry.files, inner)
        except ErrorGroup as group:
            referred = [
                error if error.span else self.findings.error(Problem(error.message, path, kind=type(error)))
                for error in group.errors
            ]
            raise ErrorGroup(referred, more=group.more) from None
        except MissingFile as error:
            raise at_reference(error, path) from None

    def _included_variables(self, entry: Include, variables: Mapping[str, str]) -> dict[str, str]:
        default = posixpath.join(entry.project_directory, ".env")
        files = entry.env_files
        if files is None:
            files = (default,) if self.options.reader.is_file(default) else ()
            references_of(default, "", self.options).local(default, ("include", entry.index))
        found: dict[str, str] = {}
        origins: dict[str, str] = {}
        for file in files:
            try:
                found.update(read_env_file(file, variables, found, self.options, origins))
            except ProjectError as error:
                known = self.options.reader.is_file(file) or self.options.reader.is_directory(file)
                message = error.message if known else f"{file}: no such file or directory"
                path = ("include", entry.index, "env_file")
                raise Problem(message, path, kind=MissingFile, needle=posixpath.basename(file)) from None
        for name, value in found.items():
            self.included.setdefault(name, (value, origins[name]))
        return found


def _require_mapping(document: Document) -> None:
    if not isinstance(document.tree, dict):
        kind = "a list" if isinstance(document.tree, list) else "nothing" if document.tree is None else "a scalar"
        hint = "a Compose file begins with keys such as `services:`"
        raise Problem(f"Top-level object must be a mapping: cannot unmarshal {kind}", hint=hint)
