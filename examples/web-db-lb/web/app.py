"""Counts visits in Redis and says which replica counted this one. Standard library only."""

import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST, PORT = os.environ["DATABASE"].split(":")


def increment(key: str) -> int:
    """Add one to a counter and return it: Redis's INCR, spoken over a socket of its own."""
    with socket.create_connection((HOST, int(PORT)), timeout=2) as connection:
        connection.sendall(f"*2\r\n$4\r\nINCR\r\n${len(key)}\r\n{key}\r\n".encode())
        answer = connection.makefile("rb").readline().decode().strip()
    if not answer.startswith(":"):
        raise OSError(f"the database says `{answer}`")
    return int(answer[1:])


class Page(BaseHTTPRequestHandler):
    """The one page there is."""

    def do_GET(self) -> None:
        """Answer `/alive` without the database, everything else with the count."""
        if self.path == "/alive":
            return self.answer(200, {"alive": True})
        try:
            visits = increment("visits")
        except OSError as error:
            return self.answer(503, {"error": str(error)})
        return self.answer(200, {"visits": visits, "replica": socket.gethostname()})

    def answer(self, status: int, body: dict[str, object]) -> None:
        """Send a body as JSON."""
        content = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name is http.server's
        """Log visits, but not the health check's."""
        if self.path != "/alive":
            print(format % arguments, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening on 8000, counting in {HOST}:{PORT}", flush=True)
    ThreadingHTTPServer(("", 8000), Page).serve_forever()
