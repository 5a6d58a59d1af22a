"""Repositories of a registry: manifests and blobs, read and written (OCI distribution-spec 1.1).

Nothing that comes is trusted: documents and blobs are no larger than announced and have the digest by which
they were asked for.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO
from urllib.parse import quote, urlencode

from runtime.errors import InvalidArgument, NotFound, PermissionDenied
from runtime.registry import uploads
from runtime.registry.session import ATTEMPTS, PASSING, Call, Endpoint, Session, wanted_pause_s, words_of
from runtime.registry.transport import Busy, Refused, Response
from runtime.registry.uploads import Upload
from schemas.dataclass import dataclass
from schemas.oci.media_types import INDEXES, MANIFESTS

MAX_DOCUMENT_BYTES = 4 << 20
"""Of a manifest: what the distribution-spec lets registries refuse."""
_ACCEPT = ", ".join(sorted((*MANIFESTS, *INDEXES)))


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or index, byte for byte."""

    content: bytes
    media_type: str
    digest: str


class BlobStream:
    """A blob on its way. `offset` is where it begins: 0 when the server does not serve ranges."""

    def __init__(self, response: Response, offset: int) -> None:
        self._response = response
        self.offset = offset

    def pieces(self) -> Iterator[bytes]:
        """Yield what comes. Raises Cut."""
        return self._response.pieces()

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


class Repository:
    """One repository, `library/busybox`, where it is served. `name` is what people call it."""

    def __init__(self, session: Session, domain: str, path: str, name: str, *, mirror: str = "") -> None:
        self._session = session
        self._domain = mirror or domain
        self._path = path
        self.name = name
        self.is_mirror = bool(mirror)

    def manifest(self, reference: str) -> Document:
        """Return a manifest or index by tag or digest.

        Raises NotFound, PermissionDenied, Unavailable, InvalidArgument.
        """
        with self._send("GET", f"manifests/{reference}", {"Accept": _ACCEPT}) as response:
            self.expect(response, 200, reference)
            content = response.read(MAX_DOCUMENT_BYTES)
            claimed = response.header("Docker-Content-Digest")
            media_type = response.header("Content-Type").partition(";")[0].strip()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        wanted = reference if reference.startswith("sha256:") else claimed
        if wanted.startswith("sha256:") and wanted != digest:
            raise InvalidArgument(f"manifest of {self._called(reference)} has digest `{digest}`, not `{wanted[:80]}`")
        return Document(content, media_type, digest)

    def digest(self, tag: str) -> str:
        """Return the digest that a tag stands for now. Raises as `manifest` does."""
        with self._send("HEAD", f"manifests/{tag}", {"Accept": _ACCEPT}) as response:
            digest = response.header("Docker-Content-Digest") if response.status == 200 else ""
        # Some registries know no HEAD, or leave the digest out; and what is wrong only an answer to GET tells.
        return digest if digest.startswith("sha256:") else self.manifest(tag).digest

    def document(self, digest: str, size_bytes: int) -> bytes:
        """Return a small blob, verified. Raises as `blob` does, and InvalidArgument for another content."""
        with self._blob(digest, 0) as response:
            content = response.read(size_bytes)
        if len(content) != size_bytes or f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise InvalidArgument(f"blob `{digest}` of `{self.name}` came with other content than its digest says")
        return content

    def blob(self, digest: str, offset: int = 0) -> BlobStream:
        """Begin to read a blob, where possible at `offset`, without a second attempt: whoever reads counts those.

        Raises NotFound, PermissionDenied, Unavailable (Cut, Busy where another attempt may help).
        """
        response = self._blob(digest, offset, attempts=1)
        if response.status != 206:
            return BlobStream(response, 0)
        first = response.header("Content-Range").removeprefix("bytes ").partition("-")[0]
        if first == str(offset):
            return BlobStream(response, offset)
        response.close()
        return BlobStream(self._blob(digest, 0, attempts=1), 0)

    def _blob(self, digest: str, offset: int, attempts: int = ATTEMPTS) -> Response:
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        response = self._send("GET", f"blobs/{digest}", headers, attempts=attempts)
        if response.status == 416:
            response.close()
            response = self._send("GET", f"blobs/{digest}", attempts=attempts)
        if response.status != 206 or not offset:
            try:
                self.expect(response, 200, digest)
            except BaseException:
                response.close()
                raise
        return response

    def has_blob(self, digest: str) -> bool:
        """Whether the registry has a blob here. Raises PermissionDenied, Unavailable."""
        with self._send("HEAD", f"blobs/{digest}", push=True) as response:
            if response.status == 404:
                return False
            self.expect(response, 200, digest)
            return True

    def mount(self, digest: str, source: str) -> bool:
        """Take a blob over from another repository of the registry; False when that is not possible."""
        query = urlencode({"mount": digest, "from": source})
        with self._send("POST", f"blobs/uploads/?{query}", push=True, more=(f"repository:{source}:pull",)) as response:
            if response.status == 202 and response.header("Location"):
                # An upload was begun instead; nobody will go on with it.
                uploads.cancel(self, uploads.place_of(response))
            return response.status == 201

    def upload(self, digest: str, size_bytes: int, opened: Callable[[], IO[bytes]]) -> None:
        """Store a blob: `opened` gives it from its beginning, each time it has to be sent.

        Raises PermissionDenied, Unavailable, NotFound, Cancelled.
        """
        Upload(self, digest, size_bytes, opened, self._session.patience()).send()

    def ask(self, call: Call) -> Response:
        """Send a request about a blob that is pushed: a path below the repository, or a URL that it gave."""
        path = call.path if "://" in call.path else self._path_of(call.path)
        return self._session.send(self._endpoint, replace(call, path=path, scopes=self._scopes(push=True)))

    def put_manifest(self, reference: str, media_type: str, content: bytes) -> str:
        """Let a tag lead to a manifest whose blobs are all there; return its digest.

        Raises PermissionDenied, Unavailable, NotFound, InvalidArgument when the registry stored something else.
        """
        headers = {"Content-Type": media_type}
        with self._send("PUT", f"manifests/{reference}", headers, content, push=True) as response:
            self.expect(response, (200, 201), reference)
            stored = response.header("Docker-Content-Digest")
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if stored.startswith("sha256:") and stored != digest:
            raise InvalidArgument(
                f"registry `{self._domain}` stored another manifest as {self._called(reference)}: `{stored[:80]}`",
                hint=f"what was sent has digest `{digest}`; a proxy in between may have changed it",
            )
        return digest

    @property
    def _endpoint(self) -> Endpoint:
        return self._session.endpoint(self._domain)

    def _path_of(self, path: str) -> str:
        return f"/v2/{quote(self._path)}/{path}"

    def _scopes(self, *, push: bool) -> tuple[str, ...]:
        return (f"repository:{self._path}:{'pull,push' if push else 'pull'}",)

    def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        *,
        push: bool = False,
        more: tuple[str, ...] = (),
        attempts: int = ATTEMPTS,
    ) -> Response:
        call = Call(method, self._path_of(path), (*self._scopes(push=push), *more), headers or {}, body, attempts)
        return self._session.send(self._endpoint, call)

    def expect(self, response: Response, statuses: int | tuple[int, ...], what: str) -> None:
        """Raise what an answer with another status means."""
        if response.status in (statuses if isinstance(statuses, tuple) else (statuses,)):
            return
        words = words_of(response)
        if response.status in (401, 403):
            raise PermissionDenied(
                f"access to `{self.name}` is denied, the repository does not exist or may require `login`: {words}",
                hint=f"`pycompose login {self._domain}` keeps credentials",
            )
        if response.status == 404:
            kind = "blob" if what.startswith("sha256:") and "/blobs/" in response.url else "manifest"
            raise NotFound(f"{kind} for {self._called(what)} not found: {words}")
        message = f"registry `{self._domain}` does not serve {self._called(what)}: {words}"
        raise Busy(message, wait_s=wanted_pause_s(response)) if response.status in PASSING else Refused(message)

    def _called(self, reference: str) -> str:
        return f"`{self.name}{'@' if reference.startswith('sha256:') else ':'}{reference}`"
