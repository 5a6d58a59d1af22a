"""Uploads as the distribution-spec has them, kept in front of a real registry, which gets the blob in the end.

Docker's own registry forgets an upload that is cut in the middle of a chunk: others go on with it.
"""

import hashlib
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.support.registry import Blob, put_blob
from tests.support.registry_proxy import Exchange

SIGNATURE = "sig=a%2Fb+c~%3D%3D&empty=&sig=2"
"""What a place's query holds besides: a client that writes it anew breaks it."""


@dataclass
class UploadSessions:
    """A fault for RegistryProxy that answers whatever belongs to uploads."""

    upstream: str
    cuts: list[int] = field(default_factory=list)
    """After how many bytes the next chunks are cut."""
    base: str = ""
    """What comes before the path of a place: empty for relative ones."""
    damages: bool = False
    """What is put together from pieces is damaged."""
    received_bytes: int = 0
    ranges: list[str] = field(default_factory=list)
    """`Content-Range` of each chunk."""
    _uploads: dict[str, bytearray] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, exchange: Exchange) -> bool:
        """Answer a request of an upload."""
        parts = urlsplit(exchange.path)
        before, uploads, number = parts.path.partition("/blobs/uploads/")
        if not uploads:
            return False
        if exchange.method == "POST":
            number = str(len(self._uploads))
            self._uploads[number] = bytearray()
            self._answer(exchange, 202, before, number, {"OCI-Chunk-Min-Length": "1000000"})
            return True
        upload = self._uploads.get(number)
        if upload is None or not parts.query.startswith(SIGNATURE):
            exchange.answer(404, b'{"errors": [{"code": "BLOB_UPLOAD_UNKNOWN"}]}')
            return True
        match exchange.method:
            case "PATCH":
                self._append(exchange, before, number)
            case "GET":
                self._answer(exchange, 204, before, number)
            case "DELETE":
                del self._uploads[number]
                exchange.answer(204)
            case _:
                self._close(exchange, before, number, parse_qs(parts.query)["digest"][-1])
        return True

    def _append(self, exchange: Exchange, before: str, number: str) -> None:
        upload, length = self._uploads[number], int(exchange.headers["Content-Length"])
        placed = exchange.headers.get("Content-Range", f"{len(upload)}-{len(upload) + length - 1}")
        with self._lock:
            self.ranges.append(exchange.headers.get("Content-Range", ""))
            cut = self.cuts.pop(0) if self.cuts else length
        if placed != f"{len(upload)}-{len(upload) + length - 1}":
            exchange.answer(416)
            return
        was_begun = bool(upload)
        content = exchange.receive(min(cut, length))
        upload += content
        self.received_bytes += len(content)
        if cut < length:
            exchange.cut()
            return
        if self.damages and was_begun:
            upload[-1] ^= 1
        self._answer(exchange, 202, before, number)

    def _close(self, exchange: Exchange, before: str, number: str, digest: str) -> None:
        content = bytes(self._uploads.pop(number))
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            exchange.answer(400, b'{"errors": [{"code": "DIGEST_INVALID", "message": "other content"}]}')
            return
        put_blob(self.upstream, before.removeprefix("/v2/"), Blob(content, ""))
        exchange.answer(201, b"", {"Location": f"{before}/blobs/{digest}"})

    def _answer(
        self, exchange: Exchange, status: int, before: str, number: str, more: dict[str, str] | None = None
    ) -> None:
        last = max(len(self._uploads[number]) - 1, 0)
        place = f"{self.base}{before}/blobs/uploads/{number}?{SIGNATURE}"
        exchange.answer(status, b"", {"Location": place, "Range": f"0-{last}", **(more or {})})
