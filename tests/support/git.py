"""Real git repositories, and servers for them on loopback: git's own HTTP backend and its daemon."""

import os
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.file_server import answer_by_git

IDENTITY = {
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}


class Repository:
    """A repository with a work tree, whose commits a test makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        """Its address on this machine."""
        return f"file://{self.folder}"

    def git(self, *arguments: str) -> str:
        """Run git in it; return what it prints."""
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            env={**os.environ, **IDENTITY},
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str], links: Mapping[str, str] | None = None) -> str:
        """Write files and symbolic links, commit everything, return the commit."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name, target in (links or {}).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")
        return self.git("rev-parse", "HEAD")


class _Backend(BaseHTTPRequestHandler):
    """git-http-backend(1) by way of CGI, with a password where the server has one."""

    folder: Path
    password: str

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        """Say nothing."""

    def _answer(self) -> None:
        if self.password and self.headers.get("Authorization") != self.password:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        answer_by_git(self, str(self.folder))


@contextmanager
def http_server(folder: Path, password: str = "") -> Iterator[str]:
    """Serve the repositories below a folder; yields the address."""
    handler = type("Backend", (_Backend,), {"folder": folder, "password": password})
    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def daemon(folder: Path) -> Iterator[str]:
    """Serve the repositories below a folder by git-daemon(1), which is started for each connection."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            command = ["git", "daemon", "--inetd", "--export-all", f"--base-path={folder}"]
            descriptor = self.request.fileno()
            subprocess.run(
                command, stdin=descriptor, stdout=descriptor, env={**os.environ, **IDENTITY}, check=False, timeout=30
            )

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)) as port:
        yield f"git://127.0.0.1:{port}"


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that takes connections and never says a word."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(65536):
                pass

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)) as port:
        yield f"git://127.0.0.1:{port}"


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def path_without_git(folder: Path) -> str:
    """A PATH on which there is no git."""
    folder.mkdir(exist_ok=True)
    assert shutil.which("git", path=str(folder)) is None
    return str(folder)
