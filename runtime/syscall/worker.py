"""Worker processes: an interpreter of its own for a room that cannot work inside the command, and its errors."""

import errno
import os
import signal
import sys
from pathlib import Path

from runtime import errors
from runtime.errors import EngineError, SyscallError
from runtime.syscall.sealed import sealed_executable

CONNECTION = 3
"""The descriptor on which a worker finds its socket. It ends when the other side is closed, however that came about."""
_UNTOUCHED = (
    "import _signal as s; s.signal(s.SIGINT, s.SIG_IGN); s.pthread_sigmask(s.SIG_UNBLOCK, [s.SIGINT]); "
    "s.signal(s.SIGINT, s.default_int_handler); "
)
"""Forgets a Ctrl-C that came before the worker had a group of its own, and so was the caller's."""
_ROOT = str(Path(__file__).resolve().parents[2])


def spawn_worker(entry: str, connection: int, *, sealed: bool = False) -> int:
    """Start `main` of the module `entry` with a socket on CONNECTION; return its pid, for the caller to wait for.

    In a process group of its own, so that Ctrl-C is not for it. `sealed`: its children enter containers, so that its
    executable must be out of their reach (CVE-2019-5736). Raises OSError.
    """
    if sealed:
        executable = sealed_executable()
        try:
            return _spawn(f"/proc/self/fd/{executable}", entry, connection)
        finally:
            os.close(executable)
    return _spawn(sys.executable, entry, connection)


def _spawn(executable: str, entry: str, connection: int) -> int:
    paths = [_ROOT, *(each for each in sys.path if each != _ROOT and Path(each).is_absolute())]
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, 2, 1),
        (os.POSIX_SPAWN_DUP2, connection, CONNECTION),
    ]
    # A worker lives too short to collect garbage. -S: the caller's search path is handed over, not found again.
    program = f"{_UNTOUCHED}import gc, sys; gc.disable(); sys.path[:] = sys.argv[1:]; from {entry} import main; main()"
    arguments = [sys.executable, "-I", "-S", "-c", program, *paths]
    return os.posix_spawn(
        executable, arguments, os.environ, file_actions=actions, setpgroup=0, setsigmask=[signal.SIGINT]
    )


def error_to_plain(error: BaseException) -> dict[str, object]:
    """Return an error as scalars."""
    if isinstance(error, SyscallError):
        return {
            "class": "SyscallError",
            "number": error.errno,
            "call": error.call,
            "subject": error.filename or "",
            "hint": error.hint,
        }
    if isinstance(error, EngineError):
        return {"class": type(error).__name__, "message": error.message, "hint": error.hint}
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return {"class": "ResourceExhausted", "message": "no space is left on the disk"}
    return {"class": "EngineError", "message": f"a worker failed: {type(error).__name__}: {error}"}


def error_from_plain(plain: dict[str, object]) -> EngineError:
    """Return the error that `error_to_plain` took apart."""
    hint = str(plain.get("hint", ""))
    if plain["class"] == "SyscallError":
        number = plain["number"]
        return SyscallError(
            number if isinstance(number, int) else 0, str(plain["call"]), str(plain["subject"]), hint=hint
        )
    kind = getattr(errors, str(plain["class"]), EngineError)
    built = kind(str(plain["message"]), hint=hint)
    return built if isinstance(built, EngineError) else EngineError(str(plain["message"]))
