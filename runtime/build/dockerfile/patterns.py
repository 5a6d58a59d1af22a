"""Shell patterns in `${name#pattern}`, `${name%pattern}` and `${name/pattern/text}`.

`*` is any text of one line, `?` any character, a backslash takes `*`, `?` or a backslash literally; there
are no brackets (BuildKit, frontend/dockerfile/shell/lex.go). The matcher walks the text once for each
position, so that no pattern takes exponential time.
"""

from schemas.dataclass import dataclass

_STAR, _ANY, _LITERAL = range(3)
MAX_WORK = 4_000_000
"""Length of the pattern times length of the value: a second of matching."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: (kind, character) for each element."""

    elements: tuple[tuple[int, str], ...]

    def ends(self, text: str, start: int) -> tuple[int, int] | None:
        """Return the shortest and the longest end of a match that begins at `start`; None without one."""
        final = len(self.elements)
        states = self._closure({0})
        shortest = longest = start if final in states else -1
        for position in range(start, len(text)):
            states = self._step(states, text[position])
            if not states:
                break
            if final in states:
                longest = position + 1
                shortest = longest if shortest < 0 else shortest
        return None if shortest < 0 else (shortest, longest)

    def find(self, text: str, start: int) -> tuple[int, int] | None:
        """Return begin and end of the first match at or after `start`, the longest there; None without one."""
        position = start
        while position <= len(text):
            found = self.ends(text, position)
            if found is not None:
                return position, found[1]
            position = self._next_start(text, position)
        return None

    def reversed(self) -> "Pattern":
        """Return the pattern of the texts read backwards."""
        return Pattern(self.elements[::-1])

    def _next_start(self, text: str, position: int) -> int:
        """Where a match can begin after none began here: past a star that failed, only on another line."""
        literal = next((index for index, (kind, _) in enumerate(self.elements) if kind == _STAR), None)
        if literal is None or not Pattern(self.elements[:literal]).ends(text, position):
            return position + 1
        line_end = text.find("\n", position)
        return len(text) + 1 if line_end < 0 else line_end + 1

    def _step(self, states: set[int], character: str) -> set[int]:
        after: set[int] = set()
        for state in states:
            if state == len(self.elements):
                continue
            kind, wanted = self.elements[state]
            if kind == _LITERAL:
                after |= {state + 1} if character == wanted else set()
            elif character != "\n":
                after.add(state if kind == _STAR else state + 1)
        return self._closure(after)

    def _closure(self, states: set[int]) -> set[int]:
        """A star may also match nothing."""
        found = set(states)
        for state in states:
            while state < len(self.elements) and self.elements[state][0] == _STAR:
                state += 1  # noqa: PLW2901 - the walk along a row of stars
                found.add(state)
        return found


def compile_pattern(text: str, value: str) -> Pattern:
    """Return the pattern for a value. Raises ValueError for a backslash before anything it does not escape."""
    if len(text) * len(value) > MAX_WORK:
        raise ValueError("it and the value are too long")
    elements: list[tuple[int, str]] = []
    index = 0
    while index < len(text):
        character = text[index]
        index += 1
        if character == "*":
            if elements[-1:] != [(_STAR, "")]:
                elements.append((_STAR, ""))
        elif character == "?":
            elements.append((_ANY, ""))
        elif character == "\\":
            following = text[index : index + 1]
            if following in ("}", "/"):
                continue
            if following not in ("*", "?", "\\"):
                raise ValueError(f"invalid escape `\\{following}`")
            elements.append((_LITERAL, following))
            index += 1
        else:
            elements.append((_LITERAL, character))
    return Pattern(tuple(elements))


def trim_prefix(pattern: str, value: str, *, longest: bool) -> str:
    """Return the value without the shortest or longest beginning that matches. Raises ValueError."""
    found = compile_pattern(pattern, value).ends(value, 0)
    return value if found is None else value[found[longest] :]


def trim_suffix(pattern: str, value: str, *, longest: bool) -> str:
    """Return the value without the shortest or longest end that matches. Raises ValueError."""
    found = compile_pattern(pattern, value).reversed().ends(value[::-1], 0)
    return value if found is None else value[: len(value) - found[longest]]


def substitute(pattern: str, value: str, text: str, *, everywhere: bool) -> str:
    """Return the value with the first match, or every one, replaced. Raises ValueError."""
    compiled = compile_pattern(pattern, value)
    parts = []
    position = kept = 0
    last_end = -1
    while (found := compiled.find(value, position)) is not None:
        begin, end = found
        if begin != end or begin != last_end:
            parts += [value[kept:begin], text]
            kept = end
        if not everywhere:
            break
        last_end = end
        position = max(end, begin + 1)
    return "".join(parts) + value[kept:]
