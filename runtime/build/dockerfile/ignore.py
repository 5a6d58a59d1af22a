"""`.dockerignore`: which paths of a build context are left out. It is not `.gitignore`.

Patterns are anchored at the context's root, `*` and `?` do not cross a slash, `**` does, `!` takes back, the
last match wins, and what lies below a match matches too. Source: moby/patternmatcher; Dockerfile reference.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from runtime.build.dockerfile.faults import error_at
from runtime.build.dockerfile.instructions import Location

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: a pattern, and whether it takes back."""

    pattern: str
    regex: re.Pattern[str]
    takes_back: bool


class IgnoreRules:
    """The lines of a `.dockerignore`, in order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._takes_back = any(rule.takes_back for rule in self.rules)

    def ignores(self, path: str) -> bool:
        """Whether a path, relative to the context and without leading slash, is left out."""
        parts = path.split("/")
        candidates = [path, *("/".join(parts[:length]) for length in range(1, len(parts)))]
        ignored = False
        for rule in self.rules:
            if rule.takes_back == ignored and any(rule.regex.match(candidate) for candidate in candidates):
                ignored = not rule.takes_back
        return ignored

    def hides(self, folder: str) -> bool:
        """Whether a folder is left out with all that is in it, so that nobody needs to look into it."""
        return self.ignores(folder) and not self._takes_back

    @property
    def takes_back(self) -> bool:
        """Whether one of the lines begins with `!`."""
        return self._takes_back


def read_ignore_file(content: bytes, file: str = ".dockerignore") -> IgnoreRules:
    """Return the rules of a `.dockerignore`. Raises SourceError for a pattern that is none."""
    lines = content.decode("utf-8", "surrogateescape").removeprefix(_BYTE_ORDER_MARK).split("\n")
    rules = []
    for number, line in enumerate(lines, 1):
        pattern = _normal(line)
        if not pattern:
            continue
        try:
            rules.append(compile_rule(pattern))
        except ValueError as error:
            shown = [text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").rstrip("\r") for text in lines]
            raise error_at(f"`{pattern}` is not a pattern: {error}", Location(file, number, number), shown) from None
    return IgnoreRules(rules)


def compile_rule(pattern: str) -> Rule:
    """Return the rule of a pattern, `!` first where it takes back. Raises ValueError."""
    takes_back = pattern.startswith("!")
    bare = pattern[1:] if takes_back else pattern
    if takes_back and not bare:
        raise ValueError("`!` takes nothing back")
    return Rule(bare, re.compile(_translate(bare), re.DOTALL), takes_back)


def clean(path: str) -> str:
    """Return a path in its shortest form, as Go's path.Clean does."""
    shortest = posixpath.normpath(path)
    return shortest[1:] if shortest.startswith("//") else shortest


def _normal(line: str) -> str:
    """A line's pattern, relative and in its shortest form; nothing for a comment or an empty line."""
    pattern = line.strip()
    if line.startswith("#") or not pattern:
        return ""
    mark = "!" if pattern.startswith("!") else ""
    pattern = pattern[len(mark) :].strip()
    if not pattern:
        return mark
    pattern = clean(pattern)
    return mark + (pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern)


def _translate(pattern: str) -> str:
    """The regular expression of a pattern."""
    parts = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if pattern.startswith("**", position - 1):
            position += 1 + pattern.startswith("/", position + 1)
            parts.append("(?:.*/)?" if position < len(pattern) else ".*")
        elif character == "*":
            parts.append("[^/]*")
        elif character == "?":
            parts.append("[^/]")
        elif character == "[":
            part, position = _character_class(pattern, position)
            parts.append(part)
        elif character == "\\":
            if position == len(pattern):
                raise ValueError("it ends with a backslash")
            parts.append(re.escape(pattern[position]))
            position += 1
        else:
            parts.append(re.escape(character))
    return "".join(parts) + r"\Z"


def _character_class(pattern: str, position: int) -> tuple[str, int]:
    """`[a-z]` or `[^a-z]`, from after its bracket (Go, path/filepath.Match)."""
    negated = pattern.startswith("^", position)
    position += negated
    ranges: list[str] = []
    while not (pattern.startswith("]", position) and ranges):
        low, position = _class_character(pattern, position)
        high = low
        if pattern.startswith("-", position):
            high, position = _class_character(pattern, position + 1)
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            ranges.append("")
    members = "".join(ranges)
    if not members:
        return ("." if negated else r"(?!)"), position + 1
    return f"[{'^' if negated else ''}{members}]", position + 1


def _class_character(pattern: str, position: int) -> tuple[str, int]:
    character = pattern[position : position + 1]
    if character == "\\":
        position += 1
        character = pattern[position : position + 1]
    elif character in ("-", "]"):
        raise ValueError("a character is missing in `[…]`")
    if not character:
        raise ValueError("`[` is not closed")
    return character, position + 1
