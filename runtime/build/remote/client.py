"""Asks for what is elsewhere, of a process of its own: few builds need what it imports, and it can be ended at once."""

import json
import os
import select
import socket

from runtime.build.remote.messages import Answer, Request
from runtime.errors import Unavailable
from runtime.syscall.worker import error_from_plain, spawn_worker
from schemas.engine.codec import from_plain, to_plain

_ENTRY = "runtime.build.remote.worker"
MESSAGE_BYTES = 1 << 16


def ask(request: Request, cancelled: int | None = None) -> Answer:
    """Return the answer to a request.

    `cancelled` is a descriptor whose readiness ends it with KeyboardInterrupt. Raises EngineError.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            pid = spawn_worker(_ENTRY, theirs.fileno())
        try:
            ours.send(json.dumps({"call": type(request).__name__, "request": to_plain(request)}).encode())
            _wait(ours, cancelled)
            reply = ours.recv(MESSAGE_BYTES)
        finally:
            # It ends with its connection, and with it all that it started.
            ours.close()
            os.waitpid(pid, 0)
    if not reply:
        raise Unavailable("what fetches the sources of a build was killed", hint="was there not enough memory?")
    document = json.loads(reply)
    if "error" in document:
        raise error_from_plain(document["error"])
    return from_plain(Answer, document["answer"])


def _wait(answer: socket.socket, cancelled: int | None) -> None:
    with select.epoll() as waiting:
        waiting.register(answer, select.EPOLLIN)
        if cancelled is not None:
            waiting.register(cancelled, select.EPOLLIN)
        ready = dict(waiting.poll())
    if cancelled in ready:
        raise KeyboardInterrupt
