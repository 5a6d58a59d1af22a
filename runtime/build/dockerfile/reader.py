"""A Dockerfile's text as stages and instructions. One run finds every error that stands on its own.

Source: Dockerfile reference; BuildKit, frontend/dockerfile/{parser,instructions}.
"""

import itertools
from collections.abc import Sequence
from dataclasses import field

from runtime.build.dockerfile import instructions as ast
from runtime.build.dockerfile.directives import Directive, RepeatedDirective, read_directives
from runtime.build.dockerfile.faults import error_at, raise_together
from runtime.build.dockerfile.grammar import read_statement, takes_heredocs
from runtime.build.dockerfile.lines import LineError, LineReader, LogicalLine, split_lines
from runtime.build.dockerfile.words import WordError
from runtime.errors import InvalidArgument, SourceError
from schemas.dataclass import dataclass

MAX_BYTES = 2 * 1024 * 1024
MAX_INSTRUCTIONS = 3000
"""Each step has the whole configuration that it leads to, so what a Dockerfile costs grows with the square of this."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    global_args: list[ast.Arg] = field(default_factory=list)
    stages: list[ast.From] = field(default_factory=list)
    bodies: list[list[ast.Instruction]] = field(default_factory=list)
    empty_lines: list[ast.Location] = field(default_factory=list)
    errors: list[SourceError] = field(default_factory=list)
    stage_unread: bool = False
    """The FROM is missing or wrong, and that was said: what follows has no stage of its own."""

    def add(self, instruction: ast.Instruction) -> None:
        if isinstance(instruction, ast.From):
            self.stages.append(instruction)
            self.bodies.append([])
            self.stage_unread = False
        elif self.bodies:
            self.bodies[-1].append(instruction)
        elif isinstance(instruction, ast.Arg):
            self.global_args.append(instruction)
        elif not self.stage_unread:
            self.stage_unread = True
            raise WordError(
                f"no build stage in current context: {instruction.name} comes before the first FROM",
                "only ARG may stand before it",
            )


def read_dockerfile(content: bytes, file: str = "Dockerfile") -> ast.Dockerfile:
    """Return what a Dockerfile says; `file` names it in messages.

    Raises SourceError (ErrorSet for several), InvalidArgument for one without instructions.
    """
    if len(content) > MAX_BYTES:
        raise InvalidArgument(f"`{file}` is larger than {MAX_BYTES // 1024 // 1024} MiB, which no Dockerfile is")
    text = content.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "surrogateescape")
    lines = split_lines(text)
    shown = tuple(line.rstrip("\r\n").encode("utf-8", "surrogateescape").decode("utf-8", "replace") for line in lines)
    directives, leading = _directives(lines, shown, file)
    escape = _escape(leading.get("escape"), shown, file)
    reading = _read(lines, shown, file, escape, len(leading))
    raise_together(reading.errors)
    if not reading.stages:
        what = "contains no stages to build" if reading.global_args else "has no instructions"
        raise InvalidArgument(f"`{file}` {what}", hint="a Dockerfile begins with `FROM image`")
    return ast.Dockerfile(
        file=file,
        lines=shown,
        global_args=tuple(reading.global_args),
        stages=tuple(
            ast.Stage(origin, tuple(body)) for origin, body in zip(reading.stages, reading.bodies, strict=True)
        ),
        escape=escape,
        syntax=directives["syntax"].value.partition(" ")[0] if "syntax" in directives else "",
        check=directives["check"].value.partition(" ")[0] if "check" in directives else "",
        empty_continuations=tuple(reading.empty_lines),
    )


def read_trigger(text: str, location: ast.Location, escape: str = "\\") -> ast.Instruction:
    """Return the instruction of an ONBUILD trigger, as if it stood at `location`.

    Raises InvalidArgument.
    """
    reader = LineReader(split_lines(text), escape, lambda line: takes_heredocs(line, escape))
    try:
        line = reader.read()
        if line is None or reader.read() is not None:
            raise WordError("it is not a single instruction")
        instruction = read_statement(line, location, escape)
    except (LineError, WordError) as error:
        raise InvalidArgument(f"the ONBUILD trigger `{text:.100}` of the base image cannot be read: {error}") from error
    if isinstance(instruction, ast.From | ast.Maintainer | ast.Onbuild):
        raise InvalidArgument(f"the base image has a trigger that is not allowed: `ONBUILD {text:.100}`")
    return instruction


def _directives(
    lines: Sequence[str], shown: Sequence[str], file: str
) -> tuple[dict[str, Directive], dict[str, Directive]]:
    """All directives, and those that count for the escape character as well."""
    try:
        return read_directives(lines, skip_shebang=True), read_directives(lines, skip_shebang=False)
    except RepeatedDirective as error:
        raise error_at(str(error), ast.Location(file, error.line, error.line), shown) from None


def _escape(directive: Directive | None, shown: Sequence[str], file: str) -> str:
    if directive is None:
        return "\\"
    if directive.value not in ("\\", "`"):
        location = ast.Location(file, directive.line, directive.line)
        raise error_at(f"invalid escape token `{directive.value}`", location, shown, "a backslash or a backtick")
    return directive.value


def _read(lines: Sequence[str], shown: Sequence[str], file: str, escape: str, skip: int) -> _Reading:
    reading = _Reading()
    reader = LineReader(lines, escape, lambda line: takes_heredocs(line, escape), skip)
    for number in itertools.count(1):
        try:
            line = reader.read()
        except LineError as error:
            location = ast.Location(file, error.first, error.last)
            reading.errors.append(error_at(str(error), location, shown, error.hint))
            break
        if line is None:
            break
        if number > MAX_INSTRUCTIONS:
            location = ast.Location(file, line.first, line.last)
            hint = "ENV, ARG, LABEL and EXPOSE take several values each"
            reading.errors.append(error_at(f"more than {MAX_INSTRUCTIONS} instructions", location, shown, hint))
            break
        _take(reading, line, shown, file, escape)
    return reading


def _take(reading: _Reading, line: LogicalLine, shown: Sequence[str], file: str, escape: str) -> None:
    location = ast.Location(file, line.first, line.last)
    if line.has_empty_line:
        reading.empty_lines.append(location)
    try:
        _check_text(line)
        reading.add(read_statement(line, location, escape))
    except WordError as error:
        if line.text.lstrip()[:4].upper() == "FROM":
            reading.stage_unread = True
        reading.errors.append(error_at(str(error), location, shown, error.hint))


def _check_text(line: LogicalLine) -> None:
    for text in (line.text, *(heredoc.content for heredoc in line.heredocs)):
        if "\0" in text:
            raise WordError("a NUL character")
        if not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text):
            raise WordError("the text is not UTF-8")
