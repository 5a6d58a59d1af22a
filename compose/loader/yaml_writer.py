"""Trees to YAML text, in docker compose's layout: two blanks a level, lists indented, literal blocks.

PyYAML's C emitter cannot indent lists, and its Python one takes ten times as long as this. A text is
written plain only where YAML 1.1 and 1.2 both read it as text; what is doubtful is quoted.
"""

import re
from collections.abc import Iterator
from typing import Any

from compose.loader.scalar import plain
from compose.loader.tree_path import Tree

_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<", ".nan", ".inf"))
_INDICATORS = frozenset("?:,[]{}#&*!|>'\"%@`")
_LIKE_A_NUMBER = re.compile(r"[-+.]*[0-9][-+.:_0-9a-fA-FxXoO tTzZ]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def dump(tree: Tree) -> str:
    """YAML that loads to the same tree, here and with docker compose."""
    return "".join(f"{line}\n" for line in _mapping(tree, "")) or "{}\n"


def _mapping(tree: Tree, indent: str) -> Iterator[str]:
    for key, value in tree.items():
        yield from _entry(f"{indent}{_text(key)}:", value, indent + "  ")


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    """`head` with a value behind it, or on the lines below it."""
    if isinstance(value, dict | list) and value:
        yield head
        yield from _mapping(value, indent) if isinstance(value, dict) else _sequence(value, indent)
    elif isinstance(value, str) and _is_block(value):
        yield f"{head} {'|' if value.endswith(chr(10)) else '|-'}"
        yield from (f"{indent}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{head} {_scalar(value)}"


def _sequence(items: list[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, dict | list) and item:
            inner = indent + "  "
            lines = _mapping(item, inner) if isinstance(item, dict) else _sequence(item, inner)
            yield f"{indent}- {next(lines)[len(inner) :]}"
            yield from lines
        else:
            yield from _entry(f"{indent}-", item, indent + "  ")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    return "null" if value is None else str(value)


def _is_block(text: str) -> bool:
    """Whether a literal block says the same, with no more than `-` for its end."""
    lines = text.removesuffix("\n").split("\n")
    return (
        len(lines) + text.endswith("\n") > 1
        and all(line.isprintable() and "\ufeff" not in line for line in lines)
        and lines[0][:1] not in ("", " ")
        and lines[-1].strip() != ""
    )


def _text(text: str) -> str:
    if _is_plain(text):
        return text
    return '"' + "".join(_ESCAPES.get(each) or _escaped(each) for each in text) + '"'


def _escaped(character: str) -> str:
    if character.isprintable() and character != "\ufeff":
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_plain(text: str) -> bool:
    if not text.isprintable() or text != text.strip() or not text or text[0] in _INDICATORS:
        return False
    if text[0] == "-" and text[1:2] in ("", " ", "-"):
        return False
    if ": " in text or " #" in text or text[-1] == ":" or text.lower().lstrip("+-") in _WORDS:
        return False
    if text.startswith(("...", "\ufeff")) or _LIKE_A_NUMBER.fullmatch(text):
        return False
    return plain(text) == text
