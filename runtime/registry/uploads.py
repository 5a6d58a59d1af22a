"""Blobs on their way into a registry (OCI distribution-spec 1.1, "Pushing blobs").

    POST …/uploads/ ──▶ place ──▶ PATCH place (the content) ──▶ place ──▶ PUT place?digest=…
                                      │ cut
                                      └──▶ GET place: how much is there? ──▶ PATCH the rest

Content goes as one chunk, as Docker sends it: every registry takes that, whatever its least or largest chunk.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import IO, Protocol
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from runtime.errors import NotFound, Unavailable
from runtime.registry.session import Call, Patience
from runtime.registry.transport import Busy, Refused, Response, Unreachable
from schemas.dataclass import dataclass

_ENCOURAGING_BYTES = 1 << 20
"""So much between two cuts, and the patience begins anew."""
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")


class Conversation(Protocol):
    """What an upload needs of its repository. All raise PermissionDenied, Unavailable, Cancelled."""

    def ask(self, call: Call) -> Response:
        """Send a request with the rights to push."""

    def expect(self, response: Response, statuses: tuple[int, ...], what: str) -> None:
        """Raise what an answer with another status means."""

    def has_blob(self, digest: str) -> bool:
        """Whether the registry has a blob."""


@dataclass(slots=True)
class Upload:
    """One blob."""

    conversation: Conversation
    digest: str
    size_bytes: int
    opened: Callable[[], IO[bytes]]
    """Gives the content, which can be sought, each time it is sent."""
    patience: Patience
    place: str = ""
    """Where the registry wants it; empty before it was asked, or when it has forgotten."""
    offset: int = 0
    """How much the registry has."""
    may_resume: bool = True

    def send(self) -> None:
        """Return when the registry has the blob.

        Raises PermissionDenied, Unavailable, NotFound for a repository that cannot be, Cancelled.
        """
        while True:
            try:
                self._attempt()
            except (Unavailable, NotFound) as error:
                self._go_on_after(error)
            else:
                return
            # The answer to the last request may be all that was lost.
            if not self.place and self.conversation.has_blob(self.digest):
                return

    def _go_on_after(self, error: Unavailable | NotFound) -> None:
        """Get ready for another attempt. Raises the error where none would help."""
        if isinstance(error, Unreachable):
            raise error
        if isinstance(error, Refused):
            # What was put together from pieces may have gone wrong there: once more in one piece.
            again = self.offset > 0 and self.may_resume
            self.may_resume = False
            self._cancel()
            if not again:
                raise error
        elif isinstance(error, NotFound):
            # A registry forgets uploads; a repository that it does not know it will not know later.
            if not self.place or not self.patience.spend():
                raise error
            self.place, self.offset = "", 0
        elif self.patience.spend(error.wait_s if isinstance(error, Busy) else 0.0):
            self._look()
        else:
            self._cancel()
            raise error

    def _attempt(self) -> None:
        if not self.place:
            begin = Call("POST", "blobs/uploads/", headers={"Content-Length": "0"})
            with self.conversation.ask(begin) as response:
                self.conversation.expect(response, (202,), self.digest)
                self.place, self.offset = place_of(response), 0
        if self.offset < self.size_bytes or not self.size_bytes:
            with self.conversation.ask(self._rest()) as response:
                self.conversation.expect(response, (201, 202, 204), self.digest)
                self.place = place_of(response, self.place)
        close = Call("PUT", _with_digest(self.place, self.digest), headers={"Content-Length": "0"}, attempts=1)
        with self.conversation.ask(close) as response:
            self.conversation.expect(response, (201, 204), self.digest)

    def _rest(self) -> Call:
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(self.size_bytes - self.offset),
        }
        if self.offset:
            headers["Content-Range"] = f"{self.offset}-{self.size_bytes - 1}"
        return Call("PATCH", self.place, headers=headers, body=partial(self._opened, self.offset), attempts=1)

    def _opened(self, offset: int) -> IO[bytes]:
        file = self.opened()
        file.seek(offset)
        return file

    def _look(self) -> None:
        """Find out how much arrived; where that cannot be said, the next attempt begins anew."""
        before, place = self.offset, self.place
        self.place, self.offset = "", 0
        if not place or not self.may_resume:
            return
        try:
            with self.conversation.ask(Call("GET", place, attempts=1)) as response:
                self.conversation.expect(response, (204,), self.digest)
                found = _RANGE.fullmatch(response.header("Range"))
                known = int(found[1]) + 1 if found else 0
                # Docker's registry says `0-0` of nothing, too.
                if 1 < known <= self.size_bytes:
                    self.place, self.offset = place_of(response, place), known
        except (Unavailable, NotFound):
            return
        if self.offset - before >= _ENCOURAGING_BYTES:
            self.patience.refresh()

    def _cancel(self) -> None:
        """Let the registry forget what was begun. What comes of it does not matter."""
        place, self.place, self.offset = self.place, "", 0
        if place:
            cancel(self.conversation, place)


def cancel(conversation: Conversation, place: str) -> None:
    """Let the registry forget an upload. What comes of it does not matter."""
    with suppress(Unavailable, NotFound):
        conversation.ask(Call("DELETE", place, headers={"Content-Length": "0"}, attempts=1)).close()


def place_of(response: Response, otherwise: str = "") -> str:
    """Return the URL where an upload goes on, exactly as the registry gave it. Raises Refused where it gave none."""
    location = response.header("Location")
    if not location and not otherwise:
        raise Refused(f"`{urlsplit(response.url).netloc}` begins an upload without saying where")
    return urljoin(response.url, location) if location else otherwise


def _with_digest(place: str, digest: str) -> str:
    """Append the digest. What the place's query holds may be signed: not a byte of it is written anew."""
    parts = urlsplit(place)
    query = "&".join(filter(None, (parts.query, urlencode({"digest": digest}))))
    return urlunsplit(parts._replace(query=query, fragment=""))
