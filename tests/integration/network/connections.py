"""Sockets inside network namespaces: a socket stays in the namespace where it was made."""

import errno
import socket

from runtime.resolver import netns

OK, BLOCKED, REFUSED = "ok", "blocked", "refused"
PATIENT_S, SHORT_S = 5.0, 0.4
"""How long to wait for a connection that should come about, and for one that should not."""


def listen(namespace: int | None, port: int, address: str = "0.0.0.0") -> socket.socket:
    server = _make(namespace, socket.SOCK_STREAM, socket.AF_INET6 if ":" in address else socket.AF_INET)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen()
    server.settimeout(2)
    return server


def udp(namespace: int | None) -> socket.socket:
    made = _make(namespace, socket.SOCK_DGRAM, socket.AF_INET)
    made.settimeout(2)
    return made


def connect(namespace: int | None, address: str, port: int, timeout_s: float = PATIENT_S) -> str:
    """Return ok, blocked (no answer, no way) or refused."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with _make(namespace, socket.SOCK_STREAM, family) as client:
        client.settimeout(timeout_s)
        try:
            client.connect((address, port))
        except ConnectionRefusedError:
            return REFUSED
        except TimeoutError:
            return BLOCKED
        except OSError as error:
            if error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EINVAL}:
                return BLOCKED
            raise
        return OK


def _make(namespace: int | None, kind: int, family: int) -> socket.socket:
    if namespace is None:
        return socket.socket(family, kind)
    with netns.inside(namespace):
        return socket.socket(family, kind)
