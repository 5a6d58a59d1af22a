"""`# syntax=`, `# escape=` and `# check=`: only at the very top, before anything else (Dockerfile reference)."""

import re
from collections.abc import Sequence

from schemas.dataclass import dataclass

NAMES = frozenset({"syntax", "escape", "check"})
_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")


@dataclass(frozen=True, slots=True)
class Directive:
    """One of them, with its line, counted from 1."""

    name: str
    value: str
    line: int


class RepeatedDirective(ValueError):
    """The same one twice; `line` is the second."""

    def __init__(self, directive: Directive) -> None:
        super().__init__(f"only one `{directive.name}` parser directive can be used")
        self.line = directive.line


def read_directives(lines: Sequence[str], *, skip_shebang: bool) -> dict[str, Directive]:
    """Return them by name. Raises RepeatedDirective.

    With `skip_shebang` a first line `#!…` does not end them: so it is for `syntax` and `check`, not for `escape`.
    """
    found: dict[str, Directive] = {}
    for number, line in enumerate(lines, 1):
        if number == 1 and skip_shebang and line.startswith("#!"):
            continue
        match = _DIRECTIVE.fullmatch(line.strip())
        name = match[1].lower() if match else ""
        if match is None or name not in NAMES:
            break
        directive = Directive(name, match[2], number)
        if name in found:
            raise RepeatedDirective(directive)
        found[name] = directive
    return found
