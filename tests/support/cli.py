"""`pycompose` as its users run it: a process, with a time limit, on a pipe or on a terminal."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.support.sources import ROOT

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    arguments: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"pycompose {' '.join(self.arguments)}: {self.code}\n{self.stdout}{self.stderr}"


class Cli:
    """The command line in one folder. PYCOMPOSE_ROOT and PYCOMPOSE_RUN come from the test's environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, text: str, name: str = "compose.yaml") -> Path:
        """Write a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(
        self,
        *arguments: str,
        code: int | None = 0,
        timeout: float = TIMEOUT_S,
        stdin: str = "",
        environment: dict[str, str] | None = None,
        umask: int = -1,
    ) -> Finished:
        """Run a command to its end; assert its exit code unless `code` is None."""
        done = subprocess.run(
            _command(arguments),
            cwd=self.folder,
            env=_environment(environment),
            input=stdin,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=timeout,
            check=False,
            umask=umask,
        )
        finished = Finished(arguments, done.returncode, done.stdout, done.stderr)
        assert code is None or done.returncode == code, str(finished)
        return finished

    def start(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command in a process group of its own; the caller ends it and waits for it."""
        return subprocess.Popen(
            _command(arguments),
            cwd=self.folder,
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def on_terminal(self, *arguments: str, environment: dict[str, str] | None = None) -> "Terminal":
        """Start a command on a pseudo-terminal of its own."""
        return Terminal(_command(arguments), self.folder, _environment(environment))


class Terminal:
    """A command on a terminal: what it shows, what is typed, how it ends."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self.shown = ""
        self._process = subprocess.Popen(
            # The terminal has to be the controlling one for Ctrl-C to become a signal: setsid(1) -c does that.
            ["setsid", "--ctty", "--wait", *command],
            cwd=folder,
            env=environment | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def type(self, text: str) -> None:
        """Type; `\\x03` is Ctrl-C."""
        os.write(self._master, text.encode())

    def wait_for(self, text: str, timeout: float = TIMEOUT_S) -> str:
        """Wait until the terminal has shown a text; return everything shown so far."""
        deadline = time.monotonic() + timeout
        while text not in self.shown:
            assert self._read(deadline), f"`{text}` did not appear:\n{self.shown}"
        return self.shown

    def wait(self, timeout: float = TIMEOUT_S) -> int:
        """Wait for the end; return the exit code."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        return self._process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, deadline: float) -> bool:
        """Take what the terminal shows; False at its end or when the time is over."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            shown = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        self.shown += shown.decode(errors="replace").replace("\r\n", "\n")
        return bool(shown)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)
        os.close(self._master)


def _command(arguments: tuple[str, ...]) -> list[str]:
    # -P: the project's folder may hold anything, also something called `compose`.
    return [sys.executable, "-P", "-m", "compose", *arguments]


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMPOSE_", "PYTEST_"))}
    return kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | (more or {})


def wait_until(question: Callable[[], object], timeout: float = 10.0, step: float = 0.02) -> None:
    """Wait until a question is answered with something true."""
    deadline = time.monotonic() + timeout
    while not question():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(step)
