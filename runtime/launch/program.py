"""Finding the program in the container and becoming it, with the shell's codes when that fails."""

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from typing import NoReturn

from runtime.errors import StartFailed
from runtime.launch.defaults import DEFAULT_PATH

NOT_FOUND = 127
NOT_EXECUTABLE = 126


def execute(arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the program `arguments[0]`, looked up as Go's exec.LookPath does.

    Raises StartFailed with 127 when there is no such file, 126 when it cannot be executed, and with
    the words that Docker uses.
    """
    if not arguments or not arguments[0]:
        raise StartFailed("no command specified", exit_code=NOT_FOUND)
    path = _find(arguments[0], environment.get("PATH", DEFAULT_PATH))
    try:
        os.execve(path, list(arguments), dict(environment))  # noqa: S606 - there must be no shell
    except OSError as error:
        code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
        raise StartFailed(f"exec {path}: {_reason(error.errno)}", exit_code=code) from error
    except ValueError as error:
        raise StartFailed(f'exec: "{arguments[0]}": {error}', exit_code=NOT_EXECUTABLE) from error


def _find(name: str, search_path: str) -> str:
    if "/" in name:
        failure = _why_not(name)
        if failure == 0:
            return name
        code = NOT_FOUND if failure in (errno.ENOENT, errno.ENOTDIR) else NOT_EXECUTABLE
        call = f"stat {name}: " if code == NOT_FOUND else ""
        raise StartFailed(f'exec: "{name}": {call}{_reason(failure)}', exit_code=code)
    for folder in search_path.split(":"):
        path = f"{folder or '.'}/{name}"
        if _why_not(path) == 0:
            return path
    raise StartFailed(f'exec: "{name}": executable file not found in $PATH', exit_code=NOT_FOUND)


def _why_not(path: str) -> int:
    """Return 0 when we may execute the file, else the errno that says why not."""
    try:
        status = os.stat(path)
    except OSError as error:
        return error.errno or errno.ENOENT
    if stat.S_ISDIR(status.st_mode):
        return errno.EISDIR
    if not status.st_mode & 0o111 or not os.access(path, os.X_OK):
        return errno.EACCES
    return 0


def _reason(number: int | None) -> str:
    return os.strerror(number or 0).lower()
