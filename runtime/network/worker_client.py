"""The command's side of the network worker: start it early, ask it from any thread, end it."""

import json
import os
import socket
import sys
import threading
from pathlib import Path

from runtime.errors import Unavailable
from runtime.network.messages import MakeSandbox, Request, error_from_plain
from schemas.engine.codec import to_plain

CONNECTION = 3
_MAXIMUM_BYTES = 1 << 17
_ROOT = str(Path(__file__).resolve().parents[2])
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from runtime.network.worker import main; main()"


class WorkerClient:
    """One worker process, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._pid = 0

    def warm_up(self) -> None:
        """Start the worker and do not wait for it. Idempotent."""
        with self._lock:
            self._connect()

    def ask(self, request: Request) -> dict[str, str]:
        """Have a request carried out; return its answer. Raises what went wrong in the worker, or Unavailable."""
        answer, descriptors = self._exchange(request)
        for descriptor in descriptors:
            os.close(descriptor)
        return answer

    def make_sandbox(self, request: MakeSandbox) -> int:
        """Have a sandbox made; return the descriptor that keeps it, the caller's to close."""
        _, descriptors = self._exchange(request)
        return descriptors[0]

    def close(self) -> None:
        """End the worker, if there is one, and wait for it. Idempotent."""
        with self._lock:
            if self._connection is None:
                return
            self._connection.close()
            self._connection = None
            os.waitpid(self._pid, 0)

    def _exchange(self, request: Request) -> tuple[dict[str, str], list[int]]:
        document = json.dumps({"call": type(request).__name__, "request": to_plain(request)}).encode()
        # The worker has one thread, so that asking in turn loses nothing but the 50 us of the way.
        with self._lock:
            connection = self._connect()
            try:
                connection.send(document)
                data, descriptors, _, _ = socket.recv_fds(connection, _MAXIMUM_BYTES, 1)
            except OSError as error:
                raise Unavailable(f"the network worker does not answer: {error}") from error
        if not data:
            raise Unavailable("the network worker ended unexpectedly", hint="its last words are above")
        reply = json.loads(data)
        if "error" in reply:
            raise error_from_plain(reply["error"])
        return reply["answer"], descriptors

    def _connect(self) -> socket.socket:
        if self._connection is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._pid = _spawn(theirs.fileno())
            self._connection = ours
        return self._connection


def _spawn(connection: int) -> int:
    """Start a worker on a descriptor. In a process group of its own, so that Ctrl-C is not for it."""
    paths = [_ROOT, *(each for each in sys.path if each != _ROOT and Path(each).is_absolute())]
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, 2, 1),
        (os.POSIX_SPAWN_DUP2, connection, CONNECTION),
    ]
    # -S: the caller's own search path is handed over instead of being found again.
    arguments = [sys.executable, "-I", "-S", "-c", _PROGRAM, *paths]
    return os.posix_spawn(sys.executable, arguments, os.environ, file_actions=actions, setpgroup=0)
