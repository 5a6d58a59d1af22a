"""What a user of the command line can be told is wrong.

    ComposeError                 code, message, context, hint, span, exit code
    ├── ComposeFileError         the text or its YAML
    ├── InterpolationError       ${…}
    ├── SchemaViolation          unknown key, wrong type, bad value
    ├── DanglingReference        something named is not defined
    ├── CircularDependency       depends_on, extends, include
    ├── ProjectError             no file, bad name, bad option, no such service
    ├── RemoteError              a Compose file that is elsewhere
    ├── ErrorGroup               several of the above, found in one run
    └── ExecutionError           an operation failed while the plan ran

Each error is data; compose.render.diagnostic turns it into text. Messages are lower case, without
final period, with literals in backticks. Nothing here imports the rest of the package.

Exit codes are docker compose's: `docs/compatibility.md` has the list.
"""

from collections.abc import Sequence

from schemas.dataclass import dataclass

EXIT_FAILURE = 1
EXIT_FILE_NOT_FOUND = 14
EXIT_BAD_MODEL = 15
EXIT_USAGE = 16


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a file. Lines and columns count from 1; `text` is the whole line."""

    file: str
    line: int
    column: int
    text: str = ""
    length: int = 1
    """Characters to mark, on that line."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - the word of the domain; the builtin is never used here
    """Something odd that is no error; printed on standard error."""

    message: str
    span: Span | None = None
    hint: str = ""
    context: str = ""
    code: str = "warning"


class ComposeError(Exception):
    """Base of what `pycompose` reports without a traceback."""

    code = "error"
    exit_code = EXIT_FAILURE
    warnings: tuple[Warning, ...] = ()
    """What was odd in the project's files, up to the error: a variable that is not set may be its cause."""

    def __init__(
        self,
        message: str,
        *,
        context: str = "",
        hint: str = "",
        span: Span | None = None,
        code: str = "",
        path: tuple[str | int, ...] = (),
        exit_code: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.context = context
        self.hint = hint
        self.span = span
        self.path = path
        """Keys and list indexes from the root of the model, where it is about one."""
        if code:
            self.code = code
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.span}: {self.message}" if self.span else self.message


class ComposeFileError(ComposeError):
    """A file that cannot be read as YAML."""

    code = "invalid-yaml"
    exit_code = EXIT_BAD_MODEL


class MissingFile(ComposeFileError):
    """A file that cannot be opened."""

    exit_code = EXIT_FILE_NOT_FOUND


class InterpolationError(ComposeError):
    """A malformed `${…}`, or a required variable that is missing."""

    code = "interpolation"
    exit_code = EXIT_BAD_MODEL


class SchemaViolation(ComposeError):
    """Something the Compose specification does not allow."""

    code = "invalid-compose-file"
    exit_code = EXIT_BAD_MODEL


class DanglingReference(ComposeError):
    """A name that nothing in the project bears."""

    code = "undefined-reference"
    exit_code = EXIT_BAD_MODEL


class CircularDependency(ComposeError):
    """A chain that comes back to its beginning."""

    code = "cycle"
    exit_code = EXIT_BAD_MODEL


class ProjectError(ComposeError):
    """The command line and the project do not fit."""

    code = "project"


class RemoteError(ComposeError):
    """A Compose file that is elsewhere cannot be had, or leads where it must not."""

    code = "remote"


class ExecutionError(ComposeError):
    """An operation of the plan failed."""

    code = "execution"


class ErrorGroup(ComposeError):
    """Several independent errors of one run, each with its own place."""

    code = "errors"

    def __init__(self, errors: Sequence[ComposeError], *, more: bool = False) -> None:
        super().__init__("\n".join(str(error) for error in errors), exit_code=errors[0].exit_code)
        self.errors = tuple(errors)
        self.more = more
        """There are others that are not told."""
