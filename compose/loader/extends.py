"""`extends`: a service built on another one, of the same file or of another.

Source: compose-spec, 05-services.md, extends; compose-go, loader/extends.go.
"""

from collections.abc import Callable, Sequence
from typing import Any

from compose.errors import CircularDependency, DanglingReference, MissingFile
from compose.loader.merge import merge_at
from compose.loader.problem import MAX_TOLD, TOO_LARGE, Path, Problem, Problems, at_reference
from compose.loader.reset import apply_resets
from compose.loader.schema_service import SERVICE
from compose.loader.shapes import nearest_service
from compose.loader.tree_path import Tree
from schemas.dataclass import dataclass

MAX_CHAIN = 100
"""Services that may extend each other in a row; real chains have two or three."""


MAX_COPIED_NODES = 500_000
"""Keys and values that services get from those that they extend: a large one, often extended, fills memory."""


@dataclass(slots=True)
class Copies:
    """Makes copies of trees, and counts."""

    nodes: int = 0

    def of(self, value: Any) -> Any:
        """The value again, with mappings and lists of its own."""
        if isinstance(value, dict):
            self.nodes += len(value)
            return {key: self.of(item) for key, item in value.items()}
        if isinstance(value, list):
            self.nodes += len(value)
            return [self.of(item) for item in value]
        return value


@dataclass(frozen=True, slots=True)
class Base:
    """The file that a service lives in: its services, and what it resets."""

    file: str
    services: Tree
    resets: Sequence[Path]


_FORMS = "`extends` is the name of a service, or a mapping with `service` and `file`"
_UNDER_NAMES = "below it stand names of services, each with attributes such as `image:` below"

ReadBase = Callable[[str, str, Path], tuple[str, Tree, Sequence[Path]]]
"""Loads another file, by the name in a file at a path: its absolute name, its canonical tree, its resets."""


@dataclass(frozen=True, slots=True)
class Extender:
    """Resolves the `extends` of one file's services."""

    file: str
    """Of the file that is loaded, for messages."""
    read: ReadBase
    bases: dict[str, list[str]]
    """Filled: service to those that it extends."""
    copies: Copies
    """Counts over all files of the project."""

    def apply(self, tree: Tree, resets: Sequence[Path]) -> None:
        """Replace, in place, every service that extends another. Raises Problem."""
        services = tree.get("services")
        if services is None:
            return
        if not isinstance(services, dict):
            raise Problem("services must be a mapping", ("services",), hint=_UNDER_NAMES)
        base = Base(self.file, services, resets)
        found: list[Problem] = []
        for name in services:
            try:
                services[name] = self._extended(name, base, ())
            except Problem as problem:
                if problem.code == TOO_LARGE:
                    raise
                # Every service of a circle finds it.
                if problem.kind is not CircularDependency or all(known.kind is not problem.kind for known in found):
                    found.append(problem)
                if len(found) > MAX_TOLD:
                    break
        if found:
            raise Problems(found)

    def _extended(self, name: str, base: Base, chain: tuple[tuple[str, str], ...]) -> Any:
        service = base.services[name]
        if service is None:
            return None
        if not isinstance(service, dict):
            raise Problem(f"services.{name} must be a mapping", ("services", name), hint=_for_service(name))
        if "extends" not in service:
            return service
        if (base.file, name) in chain:
            raise _cycle((*chain, (base.file, name)))
        if len(chain) >= MAX_CHAIN:
            raise Problem(f"`extends` goes on for more than {MAX_CHAIN} services", ("services", name, "extends"))
        reference, file = _reference(service["extends"], name)
        if reference not in self.bases.setdefault(name, []):
            self.bases[name].append(reference)
        parent = self._parent(name, reference, file, base)
        found = self._extended(reference, parent, (*chain, (base.file, name)))
        if found is None:
            return service
        source = self.copies.of(found)
        if self.copies.nodes > MAX_COPIED_NODES:
            message = f"`extends` copies more than {MAX_COPIED_NODES} keys and values, all services together"
            raise Problem(message, ("services", name, "extends"), code=TOO_LARGE)
        apply_resets({"services": {name: source}}, base.resets)
        merged = merge_at(source, service, ("services", name))
        merged.pop("extends", None)
        base.services[name] = merged
        return merged

    def _parent(self, name: str, reference: str, file: str | None, base: Base) -> Base:
        if file is None:
            if reference not in base.services:
                raise self._missing(name, self.file, f'service "{reference}" not found', reference, base.services)
            return base
        place: Path = ("services", name, "extends", "file")
        try:
            path, tree, resets = self.read(file, base.file, place)
        except MissingFile as error:
            raise at_reference(error, place) from None
        services = tree.get("services")
        if services is None:
            raise self._missing(name, path, "no services section", reference, {})
        if not isinstance(services, dict):
            raise self._missing(name, path, "services must be a mapping", reference, {})
        if reference not in services:
            raise self._missing(name, self.file, f'service "{reference}" not found in {file}', reference, services)
        return Base(path, services, resets)

    def _missing(self, name: str, file: str, reason: str, reference: str, services: Tree) -> Problem:
        return Problem(
            f'cannot extend service "{name}" in {file}: {reason}',
            ("services", name, "extends", *(("service",) if reference else ())),
            kind=DanglingReference,
            hint=nearest_service(reference, services) if reference else _FORMS,
        )


def _for_service(name: str) -> str:
    if name in SERVICE.keys:
        return f"`{name}` is an attribute of a service; is it indented enough?"
    return "below it stand attributes such as `image:`"


def _reference(extends: Any, name: str) -> tuple[str, str | None]:
    """The service extended, and its file."""
    if isinstance(extends, str):
        return extends, None
    if not isinstance(extends, dict):
        return "", None
    if not isinstance(extends.get("service"), str):
        raise Problem(f"extends.{name}.service is required", ("services", name, "extends"))
    file = extends.get("file")
    return extends["service"], file if isinstance(file, str) else None


def _cycle(chain: tuple[tuple[str, str], ...]) -> Problem:
    (file, name), *rest = chain
    lines = ["Circular reference:", f"  {name} in {file}", *(f"  extends {other} in {place}" for place, other in rest)]
    return Problem("\n".join(lines), ("services", name, "extends"), kind=CircularDependency)
