"""What can go wrong in the runtime.

    EngineError
    ├── NotFound             no such container, network, volume, image
    ├── AlreadyExists        the name is taken
    ├── InvalidArgument      the request makes no sense
    │   └── SourceError      a line of a file, a Dockerfile's for example, makes no sense
    │       └── BuildFailed  an instruction of a Dockerfile failed when it was carried out
    ├── FailedPrecondition   wrong status: not running, still running, in use
    ├── Conflict             something else holds it: a port, an address
    ├── PermissionDenied     not root, or the kernel says no
    ├── Unsupported          the kernel or this version lacks it
    ├── ResourceExhausted    no address, no space
    ├── Unavailable          a registry or the supervisor does not answer
    ├── Cancelled            the user asked to stop before it was done
    ├── StartFailed          the process could not be started (126, 127, 128)
    ├── SyscallError         also an OSError: which call, on what
    └── ErrorSet             several of the above, found in one go

Classes follow containerd's errdefs. Messages are lower case, without a final period. Nothing here
imports the rest of the runtime.
"""

import os
from collections.abc import Sequence

from schemas.dataclass import dataclass


class EngineError(Exception):
    """Base of every error the runtime raises on purpose; `hint` says what to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotFound(EngineError):
    """Something named does not exist."""


class AlreadyExists(EngineError):
    """A name is taken."""


class InvalidArgument(EngineError):
    """A request that cannot be meant."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file. Lines and columns count from 1."""

    file: str
    line: int
    column: int = 1
    text: str = ""
    """The whole line."""
    length: int = 1
    """Characters to mark, on that line."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class SourceError(InvalidArgument):
    """A line of a file cannot be meant; `place` is where."""

    def __init__(self, message: str, *, place: Place, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.place = place

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class BuildFailed(SourceError):
    """An instruction of a Dockerfile failed when it was carried out; `output` is the last that it said."""

    def __init__(self, message: str, *, place: Place, output: str = "", hint: str = "") -> None:
        super().__init__(message, place=place, hint=hint)
        self.output = output


class FailedPrecondition(EngineError):
    """The thing is in the wrong state for the request."""


class Conflict(EngineError):
    """Something else holds what is asked for."""


class PermissionDenied(EngineError):
    """The caller or the kernel does not allow it."""


class Unsupported(EngineError):
    """This kernel, or this version of pycompose, cannot do it."""


class ResourceExhausted(EngineError):
    """No more of something: addresses, subnets, space."""


class Unavailable(EngineError):
    """A partner does not answer: a registry, the supervisor."""


class Cancelled(EngineError):
    """The user asked to stop, and it was stopped."""


class StartFailed(EngineError):
    """The process of a container or an exec could not be started.

    `exit_code` is the shell's: 127 not found, 126 not executable, 128 anything else.
    """

    def __init__(self, message: str, *, exit_code: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class SyscallError(EngineError, OSError):
    """A system call failed. `errno` is the kernel's, `filename` what it was about."""

    def __init__(self, number: int, call: str, subject: str = "", *, hint: str = "") -> None:
        text = f"{call}: {os.strerror(number)}" + (f": `{subject}`" if subject else "")
        EngineError.__init__(self, text, hint=hint)
        self.errno = number
        self.strerror = os.strerror(number)
        self.filename = subject or None
        self.call = call

    def __str__(self) -> str:
        return self.message


class ErrorSet(EngineError):
    """Several errors that have nothing to do with one another; never empty."""

    def __init__(self, errors: Sequence[EngineError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)
