"""The command's side of the unpack workers: layers are written to them while they are being downloaded."""

import fcntl
import json
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

from runtime.errors import EngineError, SyscallError, Unavailable
from runtime.image.layers import Tree
from runtime.image.unpack_worker import MAXIMUM_BYTES, TREE
from runtime.syscall.worker import error_from_plain, spawn_worker
from schemas.engine.codec import from_plain

_ENTRY = "runtime.image.unpack_worker"
_PIPE_BYTES = 1 << 20


class _Worker:
    """One process and its connection."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.connection = ours
        try:
            with theirs:
                self._pid = spawn_worker(_ENTRY, theirs.fileno())
        except OSError as error:
            ours.close()
            raise SyscallError(error.errno or 0, "spawn", "the unpack worker") from error

    def close(self) -> None:
        """End it and wait for it."""
        self.connection.close()
        os.waitpid(self._pid, 0)


class Unpacking:
    """One layer on its way to a worker. End it with `finish` or `abandon`."""

    def __init__(self, pool: "Unpackers", worker: _Worker, scratch: Path) -> None:
        self._pool = pool
        self._worker = worker
        self._scratch = scratch
        reading, self._pipe = os.pipe2(os.O_CLOEXEC)
        # Less than asked for is no failure: users are limited in what they may have.
        with suppress(OSError):
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        request = {"store": str(pool.store), "scratch": str(scratch)}
        socket.send_fds(worker.connection, [json.dumps(request).encode()], [reading])
        os.close(reading)

    def write(self, content: bytes) -> None:
        """Hand on a piece of the packed layer. What goes wrong in the worker is told by `finish`."""
        remaining = memoryview(content)
        while remaining and self._pipe >= 0:
            try:
                remaining = remaining[os.write(self._pipe, remaining) :]
            except BrokenPipeError:
                self._hang_up()

    def finish(self) -> Tree:
        """Wait for the end. Raises what went wrong: InvalidArgument, ResourceExhausted, SyscallError, Unavailable."""
        self._hang_up()
        answer = self._worker.connection.recv(MAXIMUM_BYTES)
        if not answer:
            self._pool.discard(self._worker)
            raise Unavailable("the unpack worker ended unexpectedly", hint="its last words are above")
        self._pool.put_back(self._worker)
        reply = json.loads(answer)
        if "error" in reply:
            raise error_from_plain(reply["error"])
        report = self._scratch / TREE
        tree = from_plain(Tree, json.loads(report.read_bytes()))
        report.unlink()
        return tree

    def abandon(self) -> None:
        """Wait until the worker has let go of the folder; whatever came of it does not matter."""
        try:
            self.finish()
        except EngineError:
            return

    def _hang_up(self) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1


class Unpackers:
    """Workers for one store, started when they are needed. Used by several threads."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def begin(self, scratch: Path) -> Unpacking:
        """Begin to unpack into a scratch folder of the store. Raises SyscallError."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        return Unpacking(self, worker or _Worker(), scratch)

    def put_back(self, worker: _Worker) -> None:
        """Keep a worker for the next layer."""
        with self._lock:
            self._idle.append(worker)

    def discard(self, worker: _Worker) -> None:
        """Let go of a worker that is no more."""
        worker.close()

    def close(self) -> None:
        """End the idle workers and wait for them. Call when nothing is being unpacked."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.connection.shutdown(socket.SHUT_RDWR)
        for worker in idle:
            worker.close()
