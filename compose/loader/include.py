"""`include`: other Compose files, each a model of its own, under this one.

Source: compose-spec, 14-include.md; compose-go, loader/include.go.
"""

import posixpath
from collections.abc import Sequence
from typing import Any

from compose.loader.merge import merge_at
from compose.loader.problem import Path, Problem
from compose.loader.references import References
from compose.loader.reset import apply_resets
from compose.loader.scalar import text_of
from compose.loader.tree_path import Tree
from schemas.dataclass import dataclass

MAX_INCLUDED = 1000
"""Models that a project may include: files that include one another twice make a thousand out of ten."""

MAX_DEPTH = 50
"""Files that may include each other in a row."""

SECTIONS = ("services", "volumes", "networks", "secrets", "configs", "models")


@dataclass(frozen=True, slots=True)
class Include:
    """One entry, with absolute paths."""

    files: tuple[str, ...]
    project_directory: str
    env_files: tuple[str, ...] | None
    """None: the folder's `.env`, if it is there."""
    index: int
    given_directory: str = ""
    """The project directory, where the entry names one."""


def entries(tree: Tree, references: References) -> list[Include]:
    """The entries of a file's `include`, in order. Raises Problem."""
    listed = tree.get("include")
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise Problem(f"`include` must be a list, got {text_of(listed)}", ("include",))
    return [_entry(item, index, references) for index, item in enumerate(listed)]


def _entry(item: Any, index: int, references: References) -> Include:
    path: Path = ("include", index)
    entry = {"path": item} if isinstance(item, str) else item
    if not isinstance(entry, dict):
        raise Problem(f"include.{index} must be a string or mapping", path)
    files = tuple(references.compose_file(file, path) for file in _texts(entry.get("path"), (*path, "path")))
    given = ""
    if entry.get("project_directory"):
        given = references.local(str(entry["project_directory"]), (*path, "project_directory"))
        if not references.options.reader.is_directory(given):
            given = posixpath.dirname(given)
    directory = given or (posixpath.dirname(files[0]) if files else references.base)
    env_files = _texts(entry.get("env_file"), (*path, "env_file"))
    resolved = tuple(references.local(file, (*path, "env_file")) for file in env_files if file != "/dev/null")
    return Include(files, directory, resolved if env_files else None, index, given)


def _texts(value: Any, path: Path) -> list[str]:
    items = [value] if isinstance(value, str) else value or []
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise Problem(f"{'.'.join(map(str, path))} must be a string or list", path)
    return items


def import_resources(included: Tree, tree: Tree, resets: Sequence[Path]) -> None:
    """Put the included model under `tree`, in place: where both have a resource, the includer's goes on top."""
    for section in SECTIONS:
        resources = included.get(section)
        if not isinstance(resources, dict):
            continue
        own = tree.setdefault(section, {})
        if not isinstance(own, dict):
            raise Problem(f"{section} must be a mapping", (section,))
        for name, resource in resources.items():
            if name not in own:
                own[name] = resource
                continue
            apply_resets({section: {name: resource}}, resets)
            own[name] = merge_at(resource, own[name], (section, name))
