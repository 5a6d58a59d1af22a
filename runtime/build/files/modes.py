"""`--chmod`: octal, or symbolic as chmod(1) reads it with an umask of zero."""

import re
import stat
from collections.abc import Callable, Sequence

from runtime.errors import InvalidArgument

Mode = Callable[[int], int]
"""From a file's st_mode to the permissions it gets."""

_GREATEST = 0o7777
_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)")
_ACTION = re.compile(r"([-+=])([rwxXst]*|[ugo])")
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111}
_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007}
_SHIFT = {"u": 6, "g": 3, "o": 0}
_EVERYBODY = 0o7777


def parse_mode(text: str) -> Mode:
    """Return what `--chmod` does. Raises InvalidArgument."""
    if text.isascii() and text.isdigit():
        if set(text) & {"8", "9"} or int(text, 8) > _GREATEST:
            raise InvalidArgument(
                f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"
            )
        number = int(text, 8)
        return lambda _: number
    clauses = [_CLAUSE.fullmatch(clause) for clause in text.split(",")]
    actions: list[tuple[str, str, str]] = []
    for clause in clauses:
        if clause is None:
            raise InvalidArgument(f"invalid chmod parameter: '{text}'", hint="for example 0755, or u=rwX,go=rX")
        actions += [(clause[1] or "a", operator, rights) for operator, rights in _ACTION.findall(clause[2])]
    return lambda mode: _applied(actions, mode)


def _applied(actions: Sequence[tuple[str, str, str]], mode: int) -> int:
    result = stat.S_IMODE(mode)
    is_folder = stat.S_ISDIR(mode)
    for who, operator, rights in actions:
        mask = _EVERYBODY if "a" in who else sum(_WHO[each] for each in set(who))
        bits = _bits(rights, result, is_folder=is_folder) & mask
        if operator == "+":
            result |= bits
        elif operator == "-":
            result &= ~bits
        else:
            result = result & ~mask | bits
    return result


def _bits(rights: str, mode: int, *, is_folder: bool) -> int:
    if rights in _SHIFT:
        return (mode >> _SHIFT[rights] & 0o7) * 0o111
    bits = 0
    for right in rights:
        if right == "X":
            bits |= 0o111 if is_folder or mode & 0o111 else 0
        elif right == "s":
            bits |= 0o6000
        elif right == "t":
            bits |= 0o1000
        else:
            bits |= _BITS[right]
    return bits
