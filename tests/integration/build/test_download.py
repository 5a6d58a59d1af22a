"""ADD of a URL, from a real server on the loopback."""

import base64
import hashlib
import http.server
import os
import stat
import threading
import time
from collections.abc import Iterator
from typing import ClassVar

import pytest

from runtime.errors import InvalidArgument, ResourceExhausted, Unavailable
from tests.integration.build.stages import Builds, copy
from tests.integration.image.tars import Entry, layer

CONTENT = b"content" * 1000
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


PLACES = {
    "/moved": "/dir/file.txt",
    "/to-ftp": "ftp://127.0.0.1/f",
    "/to-file": "file:///etc/passwd",
    "/round": "/round",
}
PASSWORD = f"Basic {base64.b64encode(b'us@er:secret').decode()}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as its paths say."""

    served: ClassVar[list[str]] = []
    statuses: ClassVar[list[int]] = []
    version: ClassVar[int] = 1

    def do_GET(self) -> None:
        """Serve one file, in one way or another."""
        self.served.append(self.path)
        if self.path in PLACES:
            self.send_response(302)
            self.send_header("Location", PLACES[self.path])
            self.end_headers()
            return
        if self.path == "/never":
            while self.rfile.read(1):
                pass
            return
        if self.path in ("/etag", "/modified"):
            self._changing()
            return
        if self.path == "/private" and self.headers.get("Authorization") != PASSWORD:
            self.send_error(401)
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

    def _changing(self) -> None:
        name, asked, now = {
            "/etag": ("ETag", "If-None-Match", f'"{self.version}"'),
            "/modified": ("Last-Modified", "If-Modified-Since", f"Wed, 21 Oct 2015 07:28:0{self.version} GMT"),
        }[self.path]
        status = 304 if self.headers.get(asked) == now else 200
        self.statuses.append(status)
        body = CONTENT + (str(self.version).encode() if self.version > 1 else b"")
        self.send_response(status)
        self.send_header(name, now)
        if status == 200:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status == 200:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server."""
    Handler.served.clear()
    Handler.statuses.clear()
    Handler.version = 1
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
    with pytest.raises(Unavailable, match=r"unknown url type: .?ftp"):
        builds.build(copy(f"{server}/to-ftp", "/f", add=True))
    with pytest.raises(Unavailable, match="not allowed"):
        builds.build(copy(f"{server}/to-file", "/f", add=True))
    with pytest.raises(Unavailable, match="infinite loop"):
        builds.build(copy(f"{server}/round", "/f", add=True))


@pytest.mark.parametrize("kind", ["etag", "modified"])
def test_a_file_that_has_not_changed_must_not_be_sent_again(builds: Builds, server: str, kind: str):
    """The server is asked whether it has, and the step is found; once it has, the new one is fetched."""
    step = copy(f"{server}/{kind}", "/f", add=True)
    assert builds.build(step).cached() == [False]
    assert builds.build(step).cached() == [True]
    assert Handler.statuses == [200, 304]
    Handler.version += 1
    built = builds.build(step)
    assert (built.cached(), built.file("f").read_bytes()) == ([False], CONTENT + b"2")
    assert Handler.statuses == [200, 304, 200]


def test_a_file_whose_digest_is_known_must_be_asked_for_once(builds: Builds, server: str):
    """Whatever the server has by now, it is the same or it is wrong."""
    step = copy(f"{server}/dir/f", "/f", add=True, checksum=DIGEST)
    assert (builds.build(step).cached(), builds.build(step).cached()) == ([False], [True])
    assert Handler.served == ["/dir/f"]


def test_a_password_in_a_url_must_go_to_its_server_and_into_no_message(builds: Builds, server: str):
    """As a browser sends it."""
    url = server.replace("//", "//us%40er:secret@")
    assert builds.build(copy(f"{url}/private", "/f", add=True)).names() == ["f"]
    with pytest.raises(Unavailable, match=r"us%40er:\*\*\*@.*404"):
        builds.build(copy(f"{url}/missing", "/f", add=True))


def test_a_server_must_not_fill_the_disk(builds: Builds, server: str, monkeypatch: pytest.MonkeyPatch):
    """What a layer may have is what a file may have."""
    monkeypatch.setenv("PYCOMPOSE_MAX_LAYER_SIZE", "2000")
    with pytest.raises(ResourceExhausted, match="has more than 2000 bytes"):
        builds.build(copy(f"{server}/dir/f", "/f", add=True))


def test_a_download_must_end_when_the_build_is_stopped(builds: Builds, server: str):
    """At once, however slow the server is."""
    stop = os.eventfd(1, os.EFD_CLOEXEC)
    began_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        builds.build(copy(f"{server}/never", "/f", add=True), cancelled=stop)
    os.close(stop)
    assert time.monotonic() - began_s < 10
