"""Fetches one URL into a file as BuildKit makes it: 0600, of root, as old as the server says, or as 1970."""

import hashlib
import http.client
import json
import os
import socket
import urllib.error
import urllib.parse
import urllib.request
from email.utils import parsedate_to_datetime
from pathlib import Path

from runtime.build.download import REQUEST_BYTES
from runtime.errors import EngineError, InvalidArgument, Unavailable
from runtime.syscall.worker import CONNECTION, error_to_plain

_TIMEOUT_S = 60.0
_PIECE_BYTES = 1 << 20
_UNNAMED = "__unnamed__"


def main() -> None:
    """Do the one download that the builder asks for on CONNECTION."""
    with socket.socket(fileno=CONNECTION) as connection:
        request = json.loads(connection.recv(REQUEST_BYTES))
        try:
            name = _fetch(request["url"], Path(request["folder"]), request["checksum"])
            reply: dict[str, object] = {"name": name}
        except EngineError as error:
            reply = {"error": error_to_plain(error)}
        connection.send(json.dumps(reply).encode())
    os._exit(0)


def _fetch(url: str, folder: Path, checksum: str) -> str:
    name = urllib.parse.unquote(urllib.parse.urlsplit(url).path).rstrip("/").rpartition("/")[2]
    if name in ("", ".", "..") or "\0" in name:
        name = _UNNAMED
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "pycompose", "Accept-Encoding": "identity"})  # noqa: S310 - http and https alone come here
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - as above
            digest = _store(response, folder / name)
    except urllib.error.HTTPError as error:
        raise Unavailable(f"cannot download `{url}`: the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise Unavailable(f"cannot download `{url}`: {reason}") from error
    if checksum and digest != checksum:
        raise InvalidArgument(f"`{url}` has digest `{digest}`, and should have `{checksum}`")
    return name


def _store(response: http.client.HTTPResponse, path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while piece := response.read(_PIECE_BYTES):
            digest.update(piece)
            file.write(piece)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    path.chmod(0o600)
    modified = _modified_s(response.headers.get("Last-Modified", ""))
    os.utime(path, (modified, modified))
    return f"sha256:{digest.hexdigest()}"


def _modified_s(text: str) -> float:
    try:
        return max(parsedate_to_datetime(text).timestamp(), 0.0)
    except (TypeError, ValueError):
        return 0.0
