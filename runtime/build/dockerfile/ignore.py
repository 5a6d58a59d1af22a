"""`.dockerignore`: which paths of a build context are left out. It is not `.gitignore`.

Patterns are anchored at the context's root, `*` and `?` do not cross a slash, `**` does, `!` takes back, the
last match wins, and what lies below a match matches too. Source: moby/patternmatcher; Dockerfile reference.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

from runtime.build.dockerfile.faults import error_at
from runtime.build.dockerfile.instructions import Location
from schemas.dataclass import dataclass

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


_STAR, _SLASH, _ANYTHING, _FOLDERS, _BELOW = "*", "/", "**", "**/", "/**/"
_GAPS = {_ANYTHING: (".*?", ".*"), _FOLDERS: ("(?:.*?/)??", "(?:.*/)?"), _BELOW: (".*?/", ".*/")}
"""The soonest and the plain expression of each."""
_MAX_READINGS = 16


def _translate(pattern: str) -> str:
    """The regular expression of a pattern.

    What stands before a wildcard may end as early as it can, since the wildcard has the rest: that decision is
    final (`(?>…)`), so that no pattern takes exponential time.
    """
    return "|".join(_expression(tokens) for tokens in _readings(_tokens(pattern)))


def _readings(tokens: Iterable[str]) -> list[list[str]]:
    """`a**/b` is `ab`, or `b` in any folder below what begins with `a`; after a slash the two are one."""
    readings: list[list[str]] = [[]]
    before = _SLASH
    for token in tokens:
        if token != _FOLDERS or before == _SLASH:
            readings = [[*tokens, token] for tokens in readings]
        elif before != _FOLDERS:
            readings += [[*tokens, _BELOW] for tokens in readings]
        before = token
        if len(readings) > _MAX_READINGS:
            raise ValueError("`**/` stands behind a name too often")
    return readings


def _expression(tokens: Iterable[str]) -> str:
    """The expression of one reading."""
    chunks: list[list[str]] = [[]]
    gaps: list[str] = []
    for token in tokens:
        if token in _GAPS:
            gaps.append(token)
            chunks.append([])
        else:
            chunks[-1].append(token)
    if not gaps:
        return _chunk(chunks[0], soonest=False) + r"\Z"
    between = (
        f"(?>{_GAPS[gap][0]}{_chunk(chunk, soonest=True)})" for gap, chunk in zip(gaps, chunks[1:-1], strict=False)
    )
    parts = [_chunk(chunks[0], soonest=True), *between, _GAPS[gaps[-1]][1], _chunk(chunks[-1], soonest=False)]
    return "".join(parts) + r"\Z"


def _tokens(pattern: str) -> Iterator[str]:
    """Wildcards, slashes, and regular expressions of one character each."""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if pattern.startswith("**", position - 1):
            position += 1 + pattern.startswith("/", position + 1)
            yield _FOLDERS if position < len(pattern) else _ANYTHING
        elif character in (_STAR, _SLASH):
            yield character
        elif character == "?":
            yield "[^/]"
        elif character == "[":
            part, position = _character_class(pattern, position)
            yield part
        elif character == "\\":
            if position == len(pattern):
                raise ValueError("it ends with a backslash")
            yield re.escape(pattern[position])
            position += 1
        else:
            yield re.escape(character)


def _chunk(tokens: Sequence[str], *, soonest: bool) -> str:
    """The expression of what has no `**`; `soonest`: a wildcard follows."""
    segments: list[list[str]] = [[""]]
    for token in tokens:
        if token == _SLASH:
            segments.append([""])
        elif token == _STAR:
            segments[-1].append("")
        else:
            segments[-1][-1] += token
    last = segments.pop()
    return "".join(f"{_segment(each, soonest=False)}/" for each in segments) + _segment(last, soonest=soonest)


def _segment(pieces: Sequence[str], *, soonest: bool) -> str:
    """The expression of pieces with a star between each two."""
    first, *rest = pieces
    final = [] if soonest or not rest else [f"[^/]*{rest.pop()}"]
    return "".join([first, *(f"(?>[^/]*?{piece})" for piece in rest), *final])


def _character_class(pattern: str, position: int) -> tuple[str, int]:
    """`[a-z]` or `[^a-z]`, from after its bracket (Go, path/filepath.Match); a slash is never meant."""
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
        return ("[^/]" if negated else r"(?!)"), position + 1
    return (f"[^/{members}]" if negated else f"(?!/)[{members}]"), position + 1


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
