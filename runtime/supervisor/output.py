"""A container's standard streams: FIFOs or a pty on one side, log files and viewers on the other."""

import fcntl
import os
import select
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from runtime.errors import FailedPrecondition
from runtime.launch.stdio import LaunchStdio
from runtime.logs.index import STDERR, STDOUT, STREAMS
from runtime.logs.writer import LogWriter, limits
from runtime.paths import Paths
from runtime.supervisor.custody import Custody
from runtime.supervisor.loop import Loop
from schemas.engine.bundle import Bundle

PIPE_BYTES = 1 << 20
EARLY_S = 2.0
"""How long after a start a terminal's output is kept for whoever started it to attach (`run`)."""
_PTY_READ_BYTES = 1 << 16


class Output:
    """Moves what one container prints. The descriptors lie with the keeper too."""

    def __init__(self, container_id: str, project: str, paths: Paths, custody: Custody, loop: Loop) -> None:
        self._id = container_id
        self._folder = paths.container_run(project, container_id)
        self._log_folder = paths.log(container_id)
        self._custody = custody
        self._loop = loop
        self._writer: LogWriter | None = None
        self._sinks = 0
        self._early: bytes | None = None

    def prepare(self, bundle: Bundle) -> LaunchStdio:
        """Make or reopen the FIFOs and the log; return the process's side, the caller's to close."""
        self._open_log(bundle)
        if bundle.tty:
            return LaunchStdio()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sides: list[int] = []
        try:
            for stream in STREAMS.values():
                self._open_fifo(stream)
                # A file of its own: blocking, and open for reading, so that no writer ever gets SIGPIPE.
                sides.append(os.open(self._fifo(stream), os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY))
            stdin = self._open_stdin(bundle)
        except OSError:
            for descriptor in sides:
                os.close(descriptor)
            raise
        return LaunchStdio(stdin, *sides)

    def begin(self, bundle: Bundle, pty: int | None) -> None:
        """Start moving output. With a tty, `pty` is the master and passes to us."""
        if pty is not None:
            self._custody.hold(f"pty:{self._id}", pty)
            self._early = b""
            self._loop.after(EARLY_S, self._forget_early)
        self._watch(bundle)

    def adopt(self, bundle: Bundle) -> None:
        """Go on where another supervisor was killed: with what the keeper held, or by path."""
        self._open_log(bundle)
        if not bundle.tty:
            for stream in STREAMS.values():
                with suppress(FileNotFoundError):
                    self._open_fifo(stream)
        self._sinks = len(self._custody.names("sink", self._id))
        self._watch(bundle)

    def drain(self) -> None:
        """Move all that is left; the process that could write more is dead."""
        for stream, name in STREAMS.items():
            fifo = self._custody.get(f"{name}:{self._id}")
            if fifo is not None:
                while self._move(fifo, stream):
                    pass
        master = self._custody.get(f"pty:{self._id}")
        if master is not None:
            while _is_readable(master) and self._copy_pty(master):
                pass
            self._drop("pty")
        self._custody.drop(*self._custody.names("sink", self._id))

    def end_run(self) -> None:
        """Mark the end of the run in the log; readers wake up."""
        if self._writer is not None:
            self._writer.end_run()

    def close(self) -> None:
        """Let go of everything and remove the FIFOs: the process will not start again by itself."""
        for what in ("stdout", "stderr", "stdin", "pty"):
            self._drop(what)
        self._custody.drop(*self._custody.names("sink", self._id))
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for name in ("stdin", "stdout", "stderr"):
            self._fifo(name).unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()

    def attach_terminal(self) -> tuple[int, int]:
        """Return (read end of a pipe that gets all output from now on, pty master for input and size).

        Just after the start, the first to attach gets what came before, too.
        """
        master = self._custody.get(f"pty:{self._id}")
        if master is None:
            raise FailedPrecondition("the terminal of the container is gone")
        reader, writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(writer, False)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._custody.hold(f"sink:{self._id}:{self._sinks}", writer)
        self._sinks += 1
        if self._early:
            os.write(writer, self._early)
        self._forget_early()
        return reader, os.dup(master)

    def attach_input(self) -> int:
        """Return the write end of the input; when the last one is closed, the container reads the end.

        We held one so that it did not read the end before anybody attached.
        """
        try:
            descriptor = os.open(self._fifo("stdin"), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise FailedPrecondition("the container has no open input", hint="set `stdin_open: true`") from error
        os.set_blocking(descriptor, True)
        self._drop("stdin")
        return descriptor

    def _forget_early(self) -> None:
        self._early = None

    def _fifo(self, name: str) -> Path:
        return self._folder / f"{name}.fifo"

    def _drop(self, what: str) -> None:
        self._custody.drop(f"{what}:{self._id}")

    def _open_log(self, bundle: Bundle) -> None:
        if self._writer is None:
            self._writer = LogWriter(self._log_folder, limits(bundle.log))

    def _open_fifo(self, name: str) -> int:
        held = self._custody.get(f"{name}:{self._id}")
        if held is not None:
            return held
        self._make_fifo(name)
        descriptor = os.open(self._fifo(name), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._custody.hold(f"{name}:{self._id}", descriptor)
        return descriptor

    def _open_stdin(self, bundle: Bundle) -> int | None:
        if not bundle.stdin_open:
            return None
        self._make_fifo("stdin")
        # Not blocking for the open alone: it would wait for a writer.
        reader = os.open(self._fifo("stdin"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(reader, True)
        self._custody.hold(f"stdin:{self._id}", os.open(self._fifo("stdin"), os.O_WRONLY | os.O_CLOEXEC))
        return reader

    def _make_fifo(self, name: str) -> None:
        with suppress(FileExistsError):
            os.mkfifo(self._fifo(name), 0o600)

    def _watch(self, bundle: Bundle) -> None:
        if bundle.tty:
            master = self._custody.get(f"pty:{self._id}")
            if master is not None:
                self._loop.watch(master, lambda: self._pty_ready(master))
            return
        for stream, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
            fifo = self._custody.get(f"{name}:{self._id}")
            if fifo is not None:
                self._loop.watch(fifo, partial(self._move, fifo, stream))

    def _move(self, fifo: int, stream: int) -> int:
        try:
            return self._writer.splice(fifo, stream) if self._writer is not None else 0
        except BlockingIOError:
            return 0

    def _pty_ready(self, master: int) -> None:
        if _is_readable(master) and not self._copy_pty(master):
            # Nobody has the other side open: nothing to wait for until the exit.
            self._loop.unwatch(master)

    def _copy_pty(self, master: int) -> bool:
        try:
            data = os.read(master, _PTY_READ_BYTES)
        except OSError:
            return False
        if data and self._writer is not None:
            self._writer.append(data, STDOUT)
            if self._early is not None and len(self._early) + len(data) <= _PTY_READ_BYTES:
                self._early += data
            for name in self._custody.names("sink", self._id):
                self._feed(name, data)
        return bool(data)

    def _feed(self, name: str, data: bytes) -> None:
        sink = self._custody.get(name)
        try:
            if sink is not None and os.write(sink, data) < len(data):
                sys.stderr.write(f"a viewer of {self._id} does not read: it misses output\n")
        except BlockingIOError:
            return
        except OSError:
            self._custody.drop(name)


def close_side(side: LaunchStdio) -> None:
    """Close our copies of the process's side, once it has its own."""
    for descriptor in (side.stdin_fd, side.stdout_fd, side.stderr_fd):
        if descriptor is not None:
            os.close(descriptor)


def _is_readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
