"""`!reset` and `!override`: what a file takes away from the model below it.

Source: compose-spec, 13-merge.md; compose-go, loader/reset.go.
"""

from collections.abc import Iterable
from typing import Any

from compose.loader.problem import Path
from compose.loader.tree_path import Tree


def apply_resets(tree: Tree, resets: Iterable[Path]) -> None:
    """Remove, in place, the attributes at these paths. List items cannot be named: they stay."""
    for path in resets:
        parent: Any = tree
        for part in path[:-1]:
            parent = parent.get(part) if isinstance(parent, dict) else None
        if path and isinstance(parent, dict):
            parent.pop(path[-1], None)
