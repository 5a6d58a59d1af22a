"""The ssh agent of a step: a socket of its own, with the owner and mode asked for, passed on to the host's agent.

The host's own socket would do for root alone: an agent answers nobody but its user and root.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector

from runtime.build.worker.messages import BindSocket
from runtime.syscall import process

_PIECE_BYTES = 1 << 16
_BACKLOG = 16


def start_relay(wanted: BindSocket, path: Path) -> int:
    """Listen at `path` and pass connections on; return the relay's pid. Raises OSError."""
    listener = socket.socket(socket.AF_UNIX)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    # The path itself may be longer than an address has room for.
    listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)
    os.chown(path, wanted.uid, wanted.gid)
    path.chmod(wanted.mode)
    listener.listen(_BACKLOG)
    pid, pidfd = process.clone(lambda: _relay(listener, wanted.source))
    os.close(pidfd)
    listener.close()
    return pid


def _relay(listener: socket.socket, source: str) -> None:
    selector = DefaultSelector()
    selector.register(listener, EVENT_READ)
    partners: dict[socket.socket, socket.socket] = {}
    while True:
        for key, _ in selector.select():
            ready = key.fileobj
            if ready is listener:
                _accept(listener, source, selector, partners)
            elif isinstance(ready, socket.socket) and ready in partners:
                _pass_on(ready, selector, partners)


def _accept(
    listener: socket.socket, source: str, selector: DefaultSelector, partners: dict[socket.socket, socket.socket]
) -> None:
    connection, _ = listener.accept()
    agent = socket.socket(socket.AF_UNIX)
    try:
        agent.connect(source)
    except OSError:
        agent.close()
        connection.close()
        return
    partners[connection], partners[agent] = agent, connection
    selector.register(connection, EVENT_READ)
    selector.register(agent, EVENT_READ)


def _pass_on(ready: socket.socket, selector: DefaultSelector, partners: dict[socket.socket, socket.socket]) -> None:
    partner = partners[ready]
    try:
        piece = ready.recv(_PIECE_BYTES)
        partner.sendall(piece)
    except OSError:
        piece = b""
    if piece:
        return
    for each in (ready, partner):
        partners.pop(each, None)
        with suppress(KeyError):
            selector.unregister(each)
        each.close()
