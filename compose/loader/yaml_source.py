"""The door to YAML: texts to trees. The way back is yaml_writer.

The C parser composes the nodes where PyYAML has it; the values are made here, because PyYAML's own
constructor speaks YAML 1.1 (`22:22` a number, `yes` a boolean), takes duplicate keys silently and
expands aliases without limit. Nodes keep their marks, so every path can be located later.
"""

import math
import re
from typing import Any

import yaml

from compose.errors import ComposeFileError, Span
from compose.loader.locator import NodeLocator
from compose.loader.places import Extent, Source
from compose.loader.problem import Path, Problem
from compose.loader.scalar import plain, text_of
from compose.loader.tree_path import Tree
from compose.loader.yaml_errors import foreign_version, no_text, syntax_error, unreadable

MAX_DEPTH = 100
"""Nesting that a Compose file may have; real ones stay below 15."""

_NESTED = f"yaml: nested more than {MAX_DEPTH} levels deep"

MAX_NODES = 500_000
"""Keys and values that a file may have, counted before it is parsed; three thousand services have 400,000 at most."""

MAX_EXPANDED_NODES = 100_000
"""Nodes after the expansion of aliases: beyond, and ten times the written ones, it is a bomb; a million in any case."""

_OTHER_YAML = re.compile(r"^%YAML[ \t]+(?!1\.1\b|[ \t])", re.MULTILINE)
_PLAIN = "plain"
_QUOTED = "quoted"
_TAG = "tag:yaml.org,2002:"
_TYPED_TAGS = frozenset(_TAG + name for name in ("int", "float", "bool", "null", "timestamp"))


class _TooDeep(Exception):
    """The argument is the mark of the node that has the one too many."""


class _Untyped:
    """Resolves nothing: a node's tag says whether it was plain, quoted or tagged.

    Composers call it on their way down and up, so it counts the levels: the C composer recurses on the C stack.
    """

    _depth = 0

    def resolve(self, kind: type, _: str, implicit: Any) -> str:
        return _PLAIN if kind is not yaml.ScalarNode or implicit[0] else _QUOTED

    def descend_resolver(self, parent: Any, _: object) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH + 1:
            raise _TooDeep(parent.start_mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


class _PythonComposer(_Untyped, yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer):
    """The slow path; unlike the C composer it lets an anchor be defined again, as YAML does."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if not self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)


_CParser: Any = getattr(getattr(yaml, "cyaml", None), "CParser", None)

if _CParser is not None:

    class _CComposer(_Untyped, _CParser):  # type: ignore[misc]
        """The fast path."""


def _compose(text: str) -> list[yaml.Node]:
    if _CParser is None:
        return _all_nodes(_PythonComposer(text))
    try:
        return _all_nodes(_CComposer(text))
    except yaml.composer.ComposerError as error:
        if "duplicate anchor" not in str(error):
            raise
        return _all_nodes(_PythonComposer(text))


def _all_nodes(composer: Any) -> list[yaml.Node]:
    nodes = []
    while composer.check_node():
        nodes.append(composer.get_node())
    return nodes


class Document:
    """One YAML document: its values, and the paths marked with `!reset` or `!override`."""

    def __init__(self, root: yaml.Node, source: Source) -> None:
        self.source = source
        """The file, to find places in this document only."""
        self._root = root
        self._taken = False
        self.tree, self.resets = _Builder(root).build()

    def take(self) -> Any:
        """The values, for the caller to change. A file may be used twice, so the next caller gets new ones."""
        if self._taken:
            return _Builder(self._root).build()[0]
        self._taken = True
        return self.tree


def read_documents(source: Source, data: bytes) -> list[Document]:
    """Parse a file's bytes; `source` gets the text and the means to locate paths in it.

    Raises ComposeFileError for what is not YAML, Problem for what YAML allows and Compose does not.
    """
    source.text = _decoded(data, source.file)
    _require_readable(source)
    try:
        nodes = _compose(source.text)
    except yaml.MarkedYAMLError as error:
        mark, opened = error.problem_mark or error.context_mark, error.context_mark
        if "nesting depth" in (error.problem or ""):
            # libyaml 0.2.6 has a bound of its own, which its scanner meets before the composer gets here.
            raise _too_deep(source, mark) from None
        raise syntax_error(source, error.problem or str(error), mark, error.context or "", opened) from None
    except _TooDeep as error:
        raise _too_deep(source, error.args[0]) from None
    except yaml.YAMLError as error:
        raise unreadable(source, str(error).splitlines()[0]) from None
    documents = []
    for node in nodes:
        locator = NodeLocator(node)
        source.documents.append(locator)
        documents.append(Document(node, Source(source.file, source.text, [locator])))
    return documents


def _decoded(data: bytes, file: str) -> str:
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "save the file as UTF-8"
        raise no_text(file, data, error.start, "invalid UTF-8", hint) from None
    if "\0" in text:
        raise unreadable(Source(file, text), "control characters are not allowed")
    return text


def _require_readable(source: Source) -> None:
    """Count what may begin a node: parsing costs a microsecond and a kilobyte for each. Raises ComposeFileError."""
    text = source.text
    if directive := _OTHER_YAML.search(text):
        raise foreign_version(source, directive.start())
    if len(text) > MAX_NODES and sum(map(text.count, (",", "\n", "- ", "? ", "["))) > MAX_NODES:
        raise ComposeFileError(f"yaml: more than {MAX_NODES} lines and items", span=Span(source.file, 1, 1))


def _too_deep(source: Source, mark: Any) -> ComposeFileError:
    return ComposeFileError(_NESTED, span=source.span(Extent(mark.line, mark.column, mark.line, mark.column + 1)))


class _Builder:
    """Makes values of one document's nodes, every alias a copy of its own."""

    def __init__(self, root: yaml.Node) -> None:
        self._root = root
        self._resets: list[Path] = []
        self._active: dict[int, Path] = {}

    def build(self) -> tuple[Any, tuple[Path, ...]]:
        """The document's value, and the paths of its resets. Raises Problem."""
        _require_expandable(self._root)
        return self._value(self._root, ()), tuple(self._resets)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        if node.tag == "!override":
            self._resets.append(path)
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node, path)
        if id(node) in self._active:
            raise _endless(path, self._active[id(node)])
        if len(self._active) > MAX_DEPTH:
            raise Problem(_NESTED, path, kind=ComposeFileError)
        self._active[id(node)] = path
        value = self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._sequence(node, path)
        del self._active[id(node)]
        return value

    def _sequence(self, node: yaml.Node, path: Path) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            if item.tag == "!reset":
                self._resets.append((*path, index))
            else:
                values.append(self._value(item, (*path, index)))
        return values

    def _mapping(self, node: yaml.Node, path: Path) -> Tree:
        tree: Tree = {}
        merged: list[yaml.Node] = []
        lines: dict[str, int] = {}
        for key_node, item in node.value:
            key = _key(key_node, path)
            if key in lines:
                raise _duplicate(key, lines[key], path)
            lines[key] = key_node.start_mark.line + 1
            if key == "<<" and key_node.tag == _PLAIN:
                merged.extend(_merge_sources(item, path))
            elif item.tag == "!reset":
                self._resets.append((*path, key))
            else:
                tree[key] = self._value(item, (*path, key))
        for source in merged:
            for key, value in self._value(source, path).items():
                tree.setdefault(key, value)
        return tree


def _endless(path: Path, target: Path) -> Problem:
    """An alias inside of what it names. docker compose notices it one turn later, and says so."""
    here, there = (".".join(map(str, place)) for place in ((*path, *path[len(target) :]), path))
    return Problem(f"cycle detected: node at path {here} references node at path {there}", path)


def _scalar(node: yaml.ScalarNode, path: Path) -> str | int | float | bool | None:
    if node.tag == _QUOTED or (node.tag != _PLAIN and node.tag not in _TYPED_TAGS and node.style):
        if "\0" in node.value:
            raise Problem("a text cannot hold the character NUL, `\\0`", path, kind=ComposeFileError)
        return str(node.value)
    if node.tag in (_TAG + "str", _TAG + "binary"):
        return str(node.value)
    value = plain(node.value)
    if isinstance(value, float) and not math.isfinite(value):
        raise Problem(f"unsupported value: {text_of(value)}", path)
    return value


def _key(node: yaml.Node, path: Path) -> str:
    value = _scalar(node, path) if isinstance(node, yaml.ScalarNode) else "?"
    if isinstance(value, str) and isinstance(node, yaml.ScalarNode):
        return value
    where = f"in {_bracketed(path)}" if path else "at top level"
    raise Problem(
        f"Non-string key {where}: {text_of(value)}",
        (*path, node.value) if isinstance(node.value, str) else path,
        on_key=True,
        hint=_for_key(node.value, path) if isinstance(node.value, str) else "",
    )


def _for_key(text: str, path: Path) -> str:
    if path[-2:-1] == ("ports",):
        return f'the blank after `:` makes a mapping of it; write `"{text}:…"` in quotes'
    return f'write it with quotes, `"{text}"`'


def _bracketed(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]


def _duplicate(key: str, line: int, path: Path) -> Problem:
    return Problem(
        f'mapping key "{key}" already defined at line {line}',
        (*path, key),
        on_key=True,
        hint="of two equal keys only one can count; remove one or merge them",
    )


def _merge_sources(node: yaml.Node, path: Path) -> list[yaml.Node]:
    """The mappings of `<<`, the first of which wins."""
    sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
    if not all(isinstance(source, yaml.MappingNode) for source in sources):
        raise Problem("map merge requires map or sequence of maps as the value", (*path, "<<"))
    return list(sources)


def _require_expandable(root: yaml.Node) -> None:
    """Count the nodes after expansion without expanding. Raises Problem where aliases make it a bomb."""
    sizes: dict[int, int] = {}
    written = 1

    def size(node: yaml.Node) -> int:
        nonlocal written
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) not in sizes:
            sizes[id(node)] = 1  # what contains itself is reported by the builder, with its path
            parts = (
                node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
            )
            written += len(parts)
            sizes[id(node)] = 1 + sum(map(size, parts))
        return sizes[id(node)]

    try:
        total = size(root)
    except RecursionError:
        raise Problem(_NESTED, kind=ComposeFileError) from None
    if total > max(written, MAX_EXPANDED_NODES, min(10 * written, 10 * MAX_EXPANDED_NODES)):
        raise Problem(
            "yaml: document contains excessive aliasing", hint="aliases of aliases multiply; this many is a bomb"
        )
