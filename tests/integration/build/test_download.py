"""ADD of a URL, from a real server on the loopback."""

import hashlib
import http.server
import stat
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest

from runtime.errors import InvalidArgument, Unavailable, Unsupported
from tests.integration.build.stages import Builds, copy
from tests.integration.image.tars import Entry, layer

CONTENT = b"content" * 1000
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as its paths say."""

    served: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Serve one file, in one way or another."""
        self.served.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/dir/file.txt")
            self.end_headers()
            return
        if self.path == "/missing":
            self.send_error(404, "Not Found")
            return
        body = layer(Entry("inside", b"x")) if self.path.endswith(".tar") else CONTENT
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if self.path.startswith("/dir/"):
            self.send_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        self.end_headers()
        self.wfile.write(body[:100] if self.path == "/cut" else body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


def test_a_url_must_become_a_file_as_docker_makes_it(builds: Builds, server: str):
    """Named after the path, 0600, root's, as old as the server says; archives stay archives."""
    built = builds.build(copy(f"{server}/dir/file.txt?x=1", f"{server}/a.tar", "/get/", add=True))
    file = built.file("get/file.txt")
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode), file.stat().st_uid) == (CONTENT, 0o600, 0)
    assert file.stat().st_mtime == 1445412480
    assert built.names() == ["get", "get/a.tar", "get/file.txt"]
    assert built.file("get/a.tar").stat().st_mtime == 0


def test_a_url_must_be_compared_by_content_and_unpacked_when_asked(builds: Builds, server: str):
    """The same bytes are the same step, by a redirection too."""
    assert builds.build(copy(f"{server}/moved", "/f", add=True)).cached() == [False]
    assert builds.build(copy(f"{server}/moved", "/f", add=True)).cached() == [True]
    assert builds.build(copy(f"{server}/a.tar", "/d/", add=True, unpack=True)).names() == ["d", "d/inside"]


def test_a_checksum_must_hold(builds: Builds, server: str):
    """Otherwise nothing comes of it."""
    assert builds.build(copy(f"{server}/dir/f", "/f", add=True, checksum=DIGEST)).names() == ["f"]
    with pytest.raises(InvalidArgument, match="and should have `sha256:0000"):
        builds.build(copy(f"{server}/dir/f", "/f", add=True, checksum=f"sha256:{'0' * 64}"))


def test_a_download_that_fails_must_say_why(builds: Builds, server: str):
    """Status, cut connection, nobody there."""
    with pytest.raises(Unavailable, match="the server answers 404 Not Found"):
        builds.build(copy(f"{server}/missing", "/f", add=True))
    with pytest.raises(Unavailable, match=r"cannot download .*IncompleteRead"):
        builds.build(copy(f"{server}/cut", "/f", add=True))
    with pytest.raises(Unavailable, match="Connection refused"):
        builds.build(copy("http://127.0.0.1:1/f", "/f", add=True))
    with pytest.raises(Unsupported, match="git repositories"):
        builds.build(copy(f"{server}/repository.git", "/f", add=True))
