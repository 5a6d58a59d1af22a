"""One file over HTTP as BuildKit makes it: 0600, of root, as old as the server says, or as 1970.

A server that is told which one is here already (If-None-Match, If-Modified-Since; RFC 9110, 13.1) need not send it
again. Redirections lead to HTTP alone, ten at most. Source: BuildKit, source/http/source.go.
"""

import base64
import hashlib
import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from email.utils import parsedate_to_datetime
from pathlib import Path

from runtime.build.remote.messages import Answer, Download
from runtime.errors import InvalidArgument, ResourceExhausted, Unavailable
from runtime.git.reference import without_password
from runtime.image.entries import SIZE_HINT, configured_limits

_TIMEOUT_S = 60.0
"""Without a byte."""
_PIECE_BYTES = 1 << 20
_UNCHANGED = 304
_LONGEST = 1024
"""Characters of what a server may call its file; longer, it is not remembered."""
_HANDLERS = (
    urllib.request.ProxyHandler,
    urllib.request.UnknownHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.HTTPErrorProcessor,
)
"""Not all that urllib knows: nothing leads from a server to `ftp:` or `file:`."""


def download(request: Download) -> Answer:
    """Fetch a file, or learn that the one that is here is still right.

    Raises InvalidArgument when the content is another than it should be, Unavailable, ResourceExhausted.
    """
    shown = without_password(request.url)
    opener = urllib.request.OpenerDirector()
    for handler in _HANDLERS:
        opener.add_handler(handler())
    try:
        with opener.open(_request(request), timeout=_TIMEOUT_S) as response:
            answer = _store(response, Path(request.folder) / request.name, shown)
    except urllib.error.HTTPError as error:
        if error.code == _UNCHANGED and (request.etag or request.modified):
            return Answer(is_unchanged=True)
        raise Unavailable(f"cannot download `{shown}`: the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise Unavailable(f"cannot download `{shown}`: {getattr(reason, 'strerror', None) or reason}") from error
    if request.checksum and answer.digest != request.checksum:
        raise InvalidArgument(f"`{shown}` has digest `{answer.digest}`, and should have `{request.checksum}`")
    return answer


def _request(request: Download) -> urllib.request.Request:
    parts = urllib.parse.urlsplit(request.url)
    credentials, _, host = parts.netloc.rpartition("@")
    url = parts._replace(netloc=host, fragment="").geturl()
    headers = {"User-Agent": "pycompose", "Accept-Encoding": "identity"}
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.modified:
        headers["If-Modified-Since"] = request.modified
    asked = urllib.request.Request(url, headers=headers)  # noqa: S310 - http and https alone come here
    if credentials:
        plain = urllib.parse.unquote_to_bytes(credentials)
        # Not for whom the server sends us to.
        asked.add_unredirected_header("Authorization", f"Basic {base64.b64encode(plain).decode()}")
    return asked


def _store(response: http.client.HTTPResponse, path: Path, shown: str) -> Answer:
    digest = hashlib.sha256()
    most_bytes, size_bytes = configured_limits().size_bytes, 0
    with path.open("xb") as file:
        while piece := response.read(_PIECE_BYTES):
            size_bytes += len(piece)
            if size_bytes > most_bytes:
                raise ResourceExhausted(f"`{shown}` has more than {most_bytes} bytes", hint=SIZE_HINT)
            digest.update(piece)
            file.write(piece)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    path.chmod(0o600)
    etag, modified = (response.headers.get(name, "") for name in ("ETag", "Last-Modified"))
    times = (_modified_s(modified),) * 2
    os.utime(path, times)
    kept = (each if len(each) <= _LONGEST else "" for each in (etag, modified))
    return Answer(False, f"sha256:{digest.hexdigest()}", *kept)


def _modified_s(text: str) -> float:
    try:
        return max(parsedate_to_datetime(text).timestamp(), 0.0)
    except (TypeError, ValueError):
        return 0.0
