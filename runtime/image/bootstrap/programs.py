"""Programs of the machine that the making of a base image runs: none outlives the command that started it.

A program gets a process group of its own, so that Ctrl-C is not for it, and is killed by the kernel when its starter
dies. With `apart` it runs in mount and pid namespaces: what it mounts and starts goes with it, however it ends.
Source: setpriv(1), unshare(1), PR_SET_PDEATHSIG in prctl(2).
"""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from runtime.errors import NotFound, SyscallError

_KILLED_WITH_US = ("setpriv", "--pdeathsig", "KILL")
_APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
_WITH_TMP = ("sh", "-c", 'mount --bind "$0" /tmp && cd / && exec "$@"')


class Program:
    """A running program, ended and waited for at the latest when its `with` is left.

    What it says on standard error, and without `output` on standard output, is kept.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        output: int | None = None,
        environment: Mapping[str, str] | None = None,
        tmp: Path | None = None,
    ) -> None:
        """Start it. `tmp`: run it apart from the machine's mounts and processes, with this folder as /tmp.

        The kernel kills it when the thread that starts it ends. Raises SyscallError.
        """
        command = [*_KILLED_WITH_US, *arguments]
        if tmp is not None:
            command = [*_KILLED_WITH_US, *_APART, *_WITH_TMP, str(tmp), *arguments]
        self._said, writing = os.pipe2(os.O_CLOEXEC)
        try:
            self._pid = os.posix_spawnp(
                command[0],
                command,
                dict(os.environ if environment is None else environment),
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, writing if output is None else output, 1),
                    (os.POSIX_SPAWN_DUP2, writing, 2),
                ],
                setpgroup=0,
            )
        except OSError as error:
            os.close(self._said)
            raise SyscallError(error.errno or 0, "spawn", command[0]) from error
        finally:
            os.close(writing)
        self._pidfd = os.pidfd_open(self._pid)
        self._code: int | None = None

    def finish(self, tell: Callable[[str], None] | None = None) -> tuple[str, int]:
        """Wait for the end; return what it said and its exit code. `tell` gets every line as it comes."""
        lines: list[str] = []
        with open(self._said, errors="replace", closefd=False) as said:
            for line in said:
                lines.append(line)
                if tell is not None:
                    tell(line.rstrip("\n"))
        return "".join(lines), self._wait()

    def kill(self) -> None:
        """End it with all it started. Idempotent; from any thread."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._wait()
        os.close(self._said)
        os.close(self._pidfd)

    def _wait(self) -> int:
        if self._code is None:
            _, status = os.waitpid(self._pid, 0)
            self._code = os.waitstatus_to_exitcode(status)
        return self._code


def require(program: str, package: str) -> None:
    """Raises NotFound, naming the package, when a program is not installed."""
    if not any(os.access(Path(folder, program), os.X_OK) for folder in os.get_exec_path()):
        raise NotFound(f"the program `{program}` is not installed", hint=f"`apt-get install {package}`")
