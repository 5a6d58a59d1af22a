"""A server between client and registry that sees every request and may answer wrongly on purpose."""

import http.client
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Seen:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]


class Exchange:
    """One request, for a fault to answer."""

    def __init__(self, handler: BaseHTTPRequestHandler, upstream: str) -> None:
        self._handler = handler
        self._upstream = upstream
        self.method = handler.command
        self.path = handler.path
        self.headers = dict(handler.headers)
        self._unread = int(self.headers.get("Content-Length", 0))

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Answer by itself, once the whole request was read: its rest would be taken for the next one."""
        self.receive(self._unread)
        sent = {"Content-Length": str(len(body)), **(headers or {})}
        self.begin(status, sent)
        if self.method != "HEAD":
            self.send(body)

    def begin(self, status: int, headers: dict[str, str]) -> None:
        """Send the head of an answer."""
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def send(self, content: bytes) -> None:
        """Send a part of the body."""
        self._handler.wfile.write(content)
        self._handler.wfile.flush()

    def receive(self, count: int) -> bytes:
        """Read a part of the request's body."""
        content = self._handler.rfile.read(count)
        self._unread -= len(content)
        return content

    def hang_up(self) -> None:
        """End the connection too early, yet in good order: what was sent arrives."""
        self._handler.close_connection = True
        self._handler.connection.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """End the connection with a reset."""
        plug = self._handler.connection
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.close_connection = True
        plug.shutdown(socket.SHUT_RDWR)

    def fetch(self) -> tuple[int, dict[str, str], bytes]:
        """Return the registry's own answer."""
        body = self.receive(self._unread)
        connection = http.client.HTTPConnection(self._upstream, timeout=30)
        try:
            # The registry shall name this server in its redirects, not itself.
            connection.request(self.method, self.path, body, self.headers)
            response = connection.getresponse()
            kept = {
                name: value for name, value in response.headers.items() if name not in {"Transfer-Encoding", "Date"}
            }
            try:
                return response.status, kept, response.read()
            except http.client.IncompleteRead as short:
                # Docker's registry answers 416 with the length of the blob.
                return response.status, kept, short.partial
        finally:
            connection.close()

    def forward(self) -> None:
        """Answer as the registry does."""
        status, headers, body = self.fetch()
        length = headers.pop("Content-Length", str(len(body)))
        self.begin(status, {**headers, "Content-Length": length if self.method == "HEAD" else str(len(body))})
        if self.method != "HEAD":
            self.send(body)


Fault = Callable[[Exchange], bool]
"""Answers a request and says so; False leaves it to the next, and in the end to the registry."""


class RegistryProxy:
    """One proxy, on a port of its own."""

    def __init__(self, upstream: str, *, tls: tuple[Path, Path] | None = None) -> None:
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                exchange = Exchange(self, upstream)
                proxy.seen.append(Seen(exchange.method, exchange.path, exchange.headers))
                try:
                    if not any(fault(exchange) for fault in tuple(proxy.faults)):
                        exchange.forward()
                except OSError:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler._serve)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def count(self, method: str, part: str) -> int:
        """Return how many requests there were whose path has a part."""
        return sum(each.method == method and part in each.path for each in self.seen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def times(count: int, part: str, act: Callable[[Exchange], None], method: str = "GET") -> Fault:
    """Return a fault that answers the first `count` requests whose path has a part."""
    left = [count]
    lock = threading.Lock()

    def fault(exchange: Exchange) -> bool:
        with lock:
            if exchange.method != method or part not in exchange.path or not left[0]:
                return False
            left[0] -= 1
        act(exchange)
        return True

    return fault
