"""The builder's side of the worker: started with the first step, asked from any thread, ended with the build."""

import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector

from runtime.build.worker.messages import Outcome, Task
from runtime.errors import Unavailable
from runtime.syscall.worker import error_from_plain, spawn_worker
from schemas.engine.codec import from_plain, to_plain

_MAXIMUM_BYTES = 1 << 17
_PIECE_BYTES = 1 << 16
_ENTRY = "runtime.build.worker.main"

Output = Callable[[str, bytes], None]
"""Takes what a step wrote: `stdout` or `stderr`, and the bytes."""


class BuildWorker:
    """One worker process. Steps asked for by several threads go on at the same time."""

    def __init__(self, images: Path) -> None:
        """`images` is Paths.images."""
        self._images = images
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._pid = 0
        self._is_asked = False

    def warm_up(self) -> None:
        """Start the process and do not wait for it; why it cannot be started is told to whoever asks it. Idempotent."""
        with self._lock, suppress(OSError):
            self._connect()

    def do(
        self, task: Task, *, output: Output | None = None, sandbox: int | None = None, cancelled: int | None = None
    ) -> Outcome:
        """Have a task done; `output` hears of what it writes while it runs.

        `cancelled` is a descriptor whose readiness ends the step. Raises what went wrong in the worker,
        Unavailable when it is gone, KeyboardInterrupt when it was cancelled.
        """
        with ExitStack() as opened:
            answer, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            opened.callback(answer.close)
            readers, writers = _pipes(opened) if output is not None else ({}, [])
            document = self._document(task)
            sent = [document, theirs.fileno(), *writers, *([] if sandbox is None else [sandbox])]
            try:
                with self._lock:
                    socket.send_fds(self._connect(), [b"."], sent)
                    self._is_asked = True
            except OSError as error:
                raise Unavailable(f"the build worker does not answer: {error}") from error
            finally:
                theirs.close()
                for descriptor in (document, *writers):
                    os.close(descriptor)
            return _attend(answer, readers, output, cancelled)

    def close(self) -> None:
        """End the worker with all it does, and wait for it. Idempotent."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
                if not self._is_asked:
                    # Perhaps it is still importing, for nothing.
                    os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)

    def _document(self, task: Task) -> int:
        """Return a memory file with a task: secrets in it are never on a disk."""
        plain = {"images": str(self._images), "call": type(task).__name__, "task": to_plain(task)}
        descriptor = os.memfd_create("build-task", os.MFD_CLOEXEC)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(json.dumps(plain).encode())
        return descriptor

    def _connect(self) -> socket.socket:
        if self._connection is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                try:
                    self._pid = spawn_worker(_ENTRY, theirs.fileno(), sealed=True)
                except BaseException:
                    ours.close()
                    raise
            self._connection = ours
        return self._connection


def _attend(answer: socket.socket, readers: dict[int, str], output: Output | None, cancelled: int | None) -> Outcome:
    """Pass output on until the answer is there and all output is."""
    reply: bytes | None = None
    with DefaultSelector() as selector:
        selector.register(answer, EVENT_READ)
        for descriptor in (*readers, *([] if cancelled is None else [cancelled])):
            selector.register(descriptor, EVENT_READ)
        waiting = set(readers)
        while reply is None or waiting:
            for key, _ in selector.select():
                if key.fd in readers:
                    piece = os.read(key.fd, _PIECE_BYTES)
                    if piece and output is not None:
                        output(readers[key.fd], piece)
                    elif not piece:
                        selector.unregister(key.fd)
                        waiting.discard(key.fd)
                elif key.fd == cancelled:
                    raise KeyboardInterrupt
                else:
                    reply = answer.recv(_MAXIMUM_BYTES)
                    selector.unregister(answer)
    return _outcome(reply)


def _outcome(reply: bytes) -> Outcome:
    if not reply:
        raise Unavailable("the build worker ended unexpectedly", hint="its last words are above")
    document = json.loads(reply)
    if "error" in document:
        raise error_from_plain(document["error"])
    return from_plain(Outcome, document["outcome"])


def _pipes(opened: ExitStack) -> tuple[dict[int, str], list[int]]:
    readers: dict[int, str] = {}
    writers = []
    for name in ("stdout", "stderr"):
        reader, writer = os.pipe2(os.O_CLOEXEC)
        opened.callback(os.close, reader)
        readers[reader] = name
        writers.append(writer)
    return readers, writers
