"""The resolver's sockets, opened inside a sandbox."""

import socket

from runtime.resolver import netns

RESOLVER_ADDRESS = "127.0.0.11"
RESOLVER_PORT = 61053
"""Where the server listens; rules in the sandbox lead 127.0.0.11:53 here (runtime.network.sandbox)."""

_BACKLOG = 64


def open_sockets(netns_fd: int) -> tuple[socket.socket, socket.socket]:
    """Return (UDP, listening TCP), non-blocking, bound in that namespace. Raises OSError.

    The calling thread is back in its own namespace afterwards.
    """
    with netns.inside(netns_fd):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        except OSError:
            udp.close()
            raise
    try:
        udp.bind((RESOLVER_ADDRESS, RESOLVER_PORT))
        # A new supervisor must not wait for connections that its predecessor closed.
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((RESOLVER_ADDRESS, RESOLVER_PORT))
        tcp.listen(_BACKLOG)
    except OSError:
        udp.close()
        tcp.close()
        raise
    return udp, tcp
