"""A proxy as companies have them: whole URLs for http, CONNECT for https. Names lead where the test says."""

import base64
import contextlib
import select
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

USER, PASSWORD = "employee", "p@ss word"
_AUTHORITY = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class ForwardProxy:
    """One proxy. `places` says at which `address:port` a `name:port` is reached; it wants USER and PASSWORD."""

    def __init__(self, places: dict[str, str]) -> None:
        self.seen: list[str] = []
        """Method and target of each request that was let through."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                host = self.path if self.command == "CONNECT" else urlsplit(self.path).netloc
                place = places.get(host)
                self.close_connection = True
                if self.headers.get("Proxy-Authorization") != _AUTHORITY:
                    self.send_error(407)
                elif place is None:
                    self.send_error(502)
                else:
                    proxy.seen.append(f"{self.command} {host}")
                    self._join(place)

            def _join(self, place: str) -> None:
                address, _, port = place.rpartition(":")
                with socket.create_connection((address, int(port)), timeout=20) as upstream:
                    if self.command == "CONNECT":
                        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    else:
                        kept = [f"{name}: {value}" for name, value in self.headers.items() if "Proxy" not in name]
                        head = "\r\n".join((self.requestline, *kept, "Connection: close", "", ""))
                        length = int(self.headers.get("Content-Length", 0))
                        upstream.sendall(head.encode() + self.rfile.read(length))
                    _pump(self.connection, upstream)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT"):
            setattr(Handler, f"do_{method}", Handler._forward)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until one side ends."""
    with contextlib.suppress(OSError):
        while ready := select.select((one, other), (), (), 20)[0]:
            for source in ready:
                content = source.recv(1 << 16)
                if not content:
                    return
                (other if source is one else one).sendall(content)
