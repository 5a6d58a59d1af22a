"""The command's side of the network worker: start it early, ask it from any thread, end it."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.errors import Unavailable
from runtime.network.messages import MakeSandbox, Request
from runtime.syscall.worker import error_from_plain, spawn_worker
from schemas.engine.codec import to_plain

_MAXIMUM_BYTES = 1 << 17
_ENTRY = "runtime.network.worker"


class WorkerClient:
    """One worker process, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._pid = 0
        self._is_asked = False

    def warm_up(self) -> None:
        """Start the worker and do not wait for it. Idempotent."""
        with self._lock:
            self._connect()

    def ask(self, request: Request) -> dict[str, str]:
        """Have a request carried out; return its answer. Raises what went wrong in the worker, or Unavailable."""
        # The worker has one thread, so that asking in turn loses nothing but the 50 us of the way.
        with self._lock:
            self._send(request)
            answer, _ = self._receive()
        return answer

    def make_sandbox(self, request: MakeSandbox) -> int:
        """Have a sandbox made; return the descriptor that keeps it, the caller's to close."""
        with self._lock:
            self._send(request)
            _, descriptors = self._receive()
        return descriptors[0]

    @contextmanager
    def meanwhile(self, request: Request) -> Iterator[None]:
        """Have a request carried out while a block runs; raises at its end what `ask` would."""
        with self._lock:
            self._send(request)
            try:
                yield
            finally:
                self._receive()

    def close(self) -> None:
        """End the worker, if there is one, and wait for it. Idempotent."""
        with self._lock:
            self._discard()

    def _send(self, request: Request) -> None:
        document = json.dumps({"call": type(request).__name__, "request": to_plain(request)}).encode()
        try:
            self._connect().send(document)
            self._is_asked = True
        except OSError as error:
            self._discard()
            raise Unavailable(f"the network worker does not answer: {error}") from error

    def _receive(self) -> tuple[dict[str, str], list[int]]:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._connect(), _MAXIMUM_BYTES, 1)
        except OSError as error:
            self._discard()
            raise Unavailable(f"the network worker does not answer: {error}") from error
        except BaseException:
            # The answer may still come: no other request may take it for its own.
            self._discard()
            raise
        if not data:
            self._discard()
            raise Unavailable("the network worker ended unexpectedly", hint="its last words are above")
        reply = json.loads(data)
        if "error" in reply:
            raise error_from_plain(reply["error"])
        return reply["answer"], descriptors

    def _connect(self) -> socket.socket:
        if self._connection is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                with theirs:
                    self._pid = spawn_worker(_ENTRY, theirs.fileno())
            except OSError:
                ours.close()
                raise
            self._connection = ours
        return self._connection

    def _discard(self) -> None:
        """Let go of the worker; the next request starts another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            if not self._is_asked:
                # Perhaps it is still importing, for nothing.
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
