"""Where in a parsed document a path of the model is written: through aliases, merge keys, short forms.

Lists are the difficulty: merging, extending and dropping duplicates move the items. An item is known
by its text, by the name it stands for, or by looking like the value; the index counts last.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from compose.loader.places import Clue, Extent, Found
from compose.loader.problem import Path
from compose.loader.scalar import text_of

_REFERRING = ("source", "path", "service")
"""The attribute of a list item in long form that the short form consists of."""


_SEARCHED = 1000
"""Items of a list that are looked at; in longer ones an item that moved is not found."""


class Mark(Protocol):
    """A position, counted from 0."""

    line: int
    column: int


class Node(Protocol):
    """A node as PyYAML composes it; `value` is a text, a list of nodes, or a list of pairs of nodes."""

    id: str
    value: Any
    start_mark: Mark
    end_mark: Mark
    flow_style: bool | None
    style: str | None


class _Step(NamedTuple):
    """One part of a path further: the node to show, the node to go on from."""

    key: Node
    node: Node
    certain: bool = False


class NodeLocator:
    """Finds paths in a node graph."""

    def __init__(self, root: Any) -> None:
        self._root: Node = root
        self._entries: dict[int, dict[str, _Step]] = {}
        """Mappings that were looked into, by the node's id."""

    def locate(self, path: Path, clue: Clue) -> Found:
        """The place of the deepest part of a path that is written here."""
        step, depth, certain = _Step(self._root, self._root), 0, 0
        for part in path:
            value = clue.values[depth] if depth < len(clue.values) else None
            following = self._child(step.node, part, clue.needle, value)
            if following is None:
                break
            step = following
            depth += 1
            certain += step.certain
        return Found(depth, certain, _extent(_shown(step, complete=depth == len(path), on_key=clue.on_key)))

    def _child(self, node: Node, part: str | int, needle: str, value: Any) -> _Step | None:
        if node.id == "mapping":
            if id(node) not in self._entries:
                self._entries[id(node)] = _entries(node.value)
            return self._entries[id(node)].get(str(part))
        return _item(node.value, part, needle, value) if node.id == "sequence" else None

    def plain_scalars(self, pattern: tuple[str | None, ...]) -> Iterator[tuple[str, Extent]]:
        """The texts without quotes at the paths of a pattern, in which None stands for any key or index."""
        nodes = [self._root]
        for part in pattern:
            nodes = [below for node in nodes for below in _matching(node, part)]
        for node in {id(node): node for node in nodes if node.id == "scalar" and not node.style}.values():
            yield node.value, _extent(node)


def _matching(node: Node, part: str | None) -> list[Node]:
    if node.id == "mapping":
        pairs = [pair for mapping in _with_merged(node.value) for pair in mapping]
        return [item for key, item in pairs if part is None or key.value == part]
    return list(node.value) if node.id == "sequence" and part is None else []


def _shown(step: _Step, *, complete: bool, on_key: bool) -> Node:
    """The node to mark: a value that stands on one line, else its key. A short form has no parts to mark."""
    if step.node.id == "scalar":
        return step.node if step.node.value and not (on_key and complete) else step.key
    return step.node if step.node.flow_style and complete and not on_key else step.key


def _extent(node: Node) -> Extent:
    start, end = node.start_mark, node.end_mark
    return Extent(start.line, start.column, end.line, end.column)


def _entries(pairs: Sequence[tuple[Node, Node]]) -> dict[str, _Step]:
    """The entries of a mapping by key, merged ones too; of equal keys the last."""
    found: dict[str, _Step] = {}
    for mapping in _with_merged(pairs):
        for key, item in reversed(mapping):
            if key.id == "scalar":
                found.setdefault(key.value, _Step(key, item))
    return found


def _with_merged(pairs: Sequence[tuple[Node, Node]]) -> list[Sequence[tuple[Node, Node]]]:
    """A mapping, then those that `<<` merges into it, the first of which wins; an anchor may even merge itself."""
    mappings = [pairs]
    for mapping in mappings:
        for key, item in mapping:
            if key.value == "<<":
                nodes = item.value if item.id == "sequence" else [item]
                merged = [node.value for node in nodes if node.id == "mapping"]
                mappings += [each for each in merged if all(each is not known for known in mappings)]
    return mappings


def _item(items: Sequence[Node], part: str | int, needle: str, value: Any) -> _Step | None:
    if isinstance(part, str):
        return next((step for item in items if (step := _named(item, part))), None)
    indexed = items[part] if part < len(items) else None
    candidates = [indexed, *items[:_SEARCHED]] if indexed is not None else items[:_SEARCHED]
    for tells in (lambda item: item.value == needle, lambda item: _holds(item, needle)):
        for item in candidates if needle else ():
            if tells(item):
                return _Step(item, item, certain=True)
    for item in candidates if value is not None else ():
        if _looks_like(item, value):
            return _Step(item, item, certain=True)
    return _Step(indexed, indexed) if indexed is not None else None


def _named(item: Node, name: str) -> _Step | None:
    """The item, where it stands for what bears this name: `name:/target`, `name=value`, `{source: name}`."""
    if item.id == "scalar":
        found = name in (item.value, re.split("[:=]", item.value)[0])
        return _Step(item, item, certain=True) if found else None
    if item.id == "mapping":
        for key, value in item.value:
            if key.value in _REFERRING and value.value == name:
                return _Step(value, value, certain=True)
    return None


def _holds(item: Node, needle: str) -> bool:
    if item.id == "scalar":
        return item.value.endswith(f"/{needle}") or needle in (part.rstrip("/") for part in item.value.split(":"))
    return item.id == "mapping" and any(value.id == "scalar" and _holds(value, needle) for _, value in item.value)


def _looks_like(node: Node, value: Any) -> bool:
    """Whether a value may have been made of a node; variables in it may have become anything."""
    if node.id == "scalar":
        return not isinstance(value, dict | list) and ("$" in node.value or node.value == text_of(value))
    if node.id == "sequence":
        return isinstance(value, list) and len(value) == len(node.value) and all(map(_looks_like, node.value, value))
    return isinstance(value, dict) and all(
        key.value == "<<" or (key.value in value and _is_like(item, value[key.value])) for key, item in node.value
    )


def _is_like(node: Node, value: Any) -> bool:
    """As _looks_like, but for scalars that are no text a rough look is enough: there are many ways to write them."""
    return _looks_like(node, value) or (node.id == "scalar" and not isinstance(value, str | dict | list))
