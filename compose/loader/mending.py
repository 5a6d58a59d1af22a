"""Taking out what the schema refuses, so that one run can look at the rest and tell the independent errors too."""

from collections.abc import Iterable

from compose.errors import ComposeError
from compose.loader.problem import Path
from compose.loader.tree_path import Tree

_DECIDING = ("build", "profiles")
"""Attributes of a service that say what others may refer to: without them, errors would be told that are none."""


def mend(tree: Tree, errors: Iterable[ComposeError]) -> bool:
    """Take what these errors are about out of a tree, in place; return whether what is left can be looked at.

    Where a resource is wrong as a whole, it cannot: whatever refers to it would be told as an error.
    """
    paths = [(error.path, error.code) for error in errors]
    if not all(_can_go(path, code) for path, code in paths):
        return False
    for path, _ in paths:
        _take_out(tree, path)
    return True


def _can_go(path: Path, code: str) -> bool:
    if len(path) == 3 and path[0] == "services" and path[2] in _DECIDING:
        return False
    return len(path) > 2 or (len(path) == 1 and code == "unknown-key")


def _take_out(tree: Tree, path: Path) -> None:
    """Delete a key; of a list all, because without one item the others would have other indexes."""
    whole = next((index for index, part in enumerate(path) if isinstance(part, int)), len(path))
    *above, last = path[:whole]
    for part in above:
        tree = tree.get(str(part)) or {}
    tree.pop(str(last), None)
