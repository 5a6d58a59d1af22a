"""Serves a folder on loopback: repositories (`x.git`) by git's own HTTP backend, everything else as files.

A script too, since a peer has to serve the same to its engine: `python3 file_server.py FOLDER` prints the address, and
ends when its standard input does. Standard library only.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    """Answers without a word to the terminal."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        """Serve a file, or a part of a repository."""
        if ".git/" in self.path:
            answer_by_git(self, self.directory)
        else:
            super().do_GET()

    def do_POST(self) -> None:
        """Serve a part of a repository."""
        answer_by_git(self, self.directory)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        """Say nothing."""


def answer_by_git(handler: BaseHTTPRequestHandler, folder: str) -> None:
    """Answer a request for a part of a repository below a folder, by git-http-backend(1) as CGI."""
    path, _, query = handler.path.partition("?")
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": folder,
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "REQUEST_METHOD": handler.command,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
        "HTTP_GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
        "REMOTE_ADDR": "127.0.0.1",
    }
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    done = subprocess.run(
        ["git", "http-backend"], input=body, env=environment, capture_output=True, check=True, timeout=30
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
    handler.send_response(int(headers.pop("Status", "200 OK").split()[0]))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)


@contextmanager
def serving(folder: str) -> Iterator[str]:
    """Serve a folder; yields the address."""

    def handler(*arguments: object) -> Handler:
        return Handler(*arguments, directory=folder)  # type: ignore[arg-type] # what the server hands over

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    with serving(sys.argv[1]) as address:
        print(address, flush=True)
        sys.stdin.read()
