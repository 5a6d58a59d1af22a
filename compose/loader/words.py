"""A command's text split as a shell would, without a shell.

Quotes, backslashes and `$(…)` group; nothing is expanded. Source: mattn/go-shellwords.
"""

from dataclasses import field

from schemas.dataclass import dataclass

_OPERATORS = frozenset(";&|<>")


@dataclass(frozen=True, slots=True)
class Words:
    """The words, and where splitting stopped: the operator with what follows it, or nothing."""

    words: tuple[str, ...]
    rest: str = ""


@dataclass(slots=True)
class _State:
    words: list[str] = field(default_factory=list)
    current: list[str] = field(default_factory=list)
    started: bool = False
    escaped: bool = False
    quote: str = ""
    """One of `'`, `"`, a backtick, `(` for `$(…)`, or nothing."""

    def add(self, character: str) -> None:
        self.current.append(character)
        self.started = True

    def end_word(self) -> None:
        if self.started:
            self.words.append("".join(self.current))
        self.current, self.started = [], False


def split(text: str) -> Words:
    """Words of a command line. Raises ValueError for open quotes and stray parentheses."""
    state = _State()
    rest = ""
    for index, character in enumerate(text):
        if state.escaped:
            state.add("\t" if character == "t" else character)
            state.escaped = False
        elif character == "\\" and state.quote != "'":
            state.escaped = True
        elif character in " \t\r\n" and not state.quote:
            state.end_word()
        elif character in _OPERATORS and not state.quote:
            rest = text[index:]
            if character == ">" and state.current and state.current[0].isdecimal():
                state.started = False
            break
        else:
            _take(state, character)
    state.end_word()
    if state.escaped or state.quote:
        raise ValueError("invalid command line string")
    return Words(tuple(state.words), rest)


def _take(state: _State, character: str) -> None:
    """A character that may open or close a quotation."""
    if character in "'\"" and state.quote in ("", character):
        state.started = state.started or bool(state.quote)
        state.quote = "" if state.quote else character
        return
    if character == "`" and state.quote in ("", "`"):
        state.quote = "" if state.quote else "`"
    elif character == "(" and state.quote in ("", "("):
        if state.quote or state.current[-1:] != ["$"]:
            raise ValueError("invalid command line string")
        state.quote = "("
    elif character == ")" and state.quote in ("", "("):
        if not state.quote:
            raise ValueError("invalid command line string")
        state.quote = ""
    state.add(character)
