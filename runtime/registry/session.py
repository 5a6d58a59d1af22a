"""Exchanges with registries that end in an answer: retries, redirects, tokens.

Credentials are sent to the host they are for and to no other: a redirect elsewhere goes without them, and
none leads from https to http.
"""

import json
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from runtime.errors import Cancelled, InvalidArgument, Unavailable
from runtime.registry.auth import Authorizer
from runtime.registry.credentials import Credentials, CredentialStore
from runtime.registry.settings import DOCKER_HUB, Settings, api_host, is_loopback
from runtime.registry.transport import Body, Cut, NotEncrypted, Response, Transport, Unreachable, printable
from schemas.dataclass import dataclass

ATTEMPTS = 6
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
_LONG_PAUSE_S = 2.0
"""So long a wait is told of."""
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_MOVED_AS_IT_IS = frozenset({307, 308})
"""What sends on a request that has a body (RFC 9110 15.4): the others would make another request of it."""
PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""What may be over at the next attempt."""


_ERROR_BYTES = 64 << 10
_MEANINGS = {401: "authentication required", 403: "denied", 404: "manifest unknown", 429: "too many requests"}
"""Where the registry says nothing more: an answer to HEAD has no body."""
_WARNING = re.compile(r'299 +[^ ]+ +"((?:[^"\\]|\\.)*)"')
"""As the distribution-spec has it, after RFC 7234 5.5."""
_ESCAPED = re.compile(r"\\(.)")
_WARNING_BYTES = 4096
_MOST_WARNINGS = 8


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a registry."""

    method: str
    path: str
    """After the endpoint's URL, or a whole URL that the registry gave."""
    scopes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = None
    attempts: int = ATTEMPTS


class Patience:
    """The pauses between attempts: they double, are never quite the same, and the server may ask for more."""

    def __init__(self, is_cancelled: Callable[[], bool], attempts: int = ATTEMPTS) -> None:
        self._is_cancelled = is_cancelled
        self._attempts = attempts
        self._left = attempts
        self._pause_s = FIRST_PAUSE_S

    @property
    def has_more(self) -> bool:
        """Whether there is to be another attempt."""
        return self._left > 1

    def check(self) -> None:
        """Raise Cancelled when the user has asked to stop."""
        if self._is_cancelled():
            raise Cancelled("canceled")

    def refresh(self) -> None:
        """Begin anew: something was achieved."""
        self._left = self._attempts
        self._pause_s = FIRST_PAUSE_S

    def spend(self, wanted_s: float = 0.0) -> bool:
        """Wait before another attempt; False when there is to be none. Raises Cancelled."""
        self.check()
        self._left -= 1
        if self._left <= 0:
            return False
        pause = max(self._pause_s * random.uniform(0.75, 1.25), min(wanted_s, LONGEST_PAUSE_S))  # noqa: S311 - no secret
        self._pause_s *= 2
        until = time.monotonic() + pause
        while (rest := until - time.monotonic()) > 0:
            self.check()
            time.sleep(min(rest, 0.1))
        return True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a registry answers, and who the user is there."""

    host: str
    url: str
    authorizer: Authorizer


class Session:
    """Everything that one command says to registries. Used by several threads."""

    def __init__(
        self,
        settings: Settings,
        credentials: CredentialStore,
        is_cancelled: Callable[[], bool] = lambda: False,
        warned: Callable[[str, str], None] | None = None,
    ) -> None:
        """`warned` is told once what a host has to say to its users, and nothing else comes of it."""
        self.settings = settings
        self._store = credentials
        self._transport = Transport(settings)
        self._endpoints: dict[str, Endpoint] = {}
        self._lock = threading.Lock()
        self._is_cancelled = is_cancelled
        self._warned = warned
        self._warnings: set[tuple[str, str]] = set()
        self._warnings_lock = threading.Lock()

    def patience(self, attempts: int = ATTEMPTS) -> Patience:
        """Return fresh patience."""
        return Patience(self._is_cancelled, attempts)

    def endpoint(self, domain: str, given: Credentials | None = None) -> Endpoint:
        """Find out how a registry is reached, by asking its API for a sign of life. Raises Unavailable.

        `domain` is that of references, or the URL of a mirror; `given` credentials are used instead of the kept ones.
        """
        with self._lock:
            known = self._endpoints.get(domain)
            if known is None:
                known = self._endpoints[domain] = self._find(domain, given)
            return known

    def send(self, endpoint: Endpoint, call: Call) -> Response:
        """Return the answer, whatever its status, after redirects and as many attempts as it takes.

        Raises Unavailable, PermissionDenied, Cancelled.
        """
        patience = self.patience(call.attempts)
        while True:
            patience.check()
            try:
                response = self._authorized(endpoint, call)
            except Cut:
                if not patience.spend():
                    raise
                continue
            if response.status not in PASSING:
                return response
            wanted_s = wanted_pause_s(response)
            if call.attempts == 1:
                return response
            with response:
                words = words_of(response)
            if wanted_s >= _LONG_PAUSE_S and patience.has_more:
                self._warn(endpoint.host, f"{words}; another attempt in {min(wanted_s, LONGEST_PAUSE_S):.0f} s")
            if not patience.spend(wanted_s):
                raise Unavailable(f"registry `{endpoint.host}` does not serve us: {words}")

    def abort(self) -> None:
        """Cut what is under way, from another thread."""
        self._transport.abort()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def _find(self, domain: str, given: Credentials | None) -> Endpoint:
        scheme, separator, host = domain.rpartition("://")
        if not separator:
            host = api_host(domain)
        if scheme:
            return self._greet(domain, host, scheme, given)
        if is_loopback(host) and host not in self.settings.hosts:
            # Nobody listens in between, and a server of TLS says at once that it is one.
            try:
                return self._greet(domain, host, "http", given, attempts=1)
            except Cut:
                return self._greet(domain, host, "https", given)
        try:
            return self._greet(domain, host, "https", given)
        except (Unreachable, Cut) as error:
            if not self.settings.of(host).insecure:
                raise
            try:
                # On another port, where the name has none; or by a proxy that knows no TLS.
                return self._greet(domain, host, "http", given, attempts=1)
            except (Unreachable, Cut):
                if isinstance(error, NotEncrypted):
                    raise
                raise error from None

    def _greet(
        self, domain: str, host: str, scheme: str, given: Credentials | None, attempts: int = ATTEMPTS
    ) -> Endpoint:
        keeper = DOCKER_HUB if domain == DOCKER_HUB else host

        def credentials() -> Credentials | None:
            return given or self._store.get(keeper)

        authorizer = Authorizer(domain, credentials, self._plainly, encrypted=scheme == "https")
        endpoint = Endpoint(host, f"{scheme}://{host}", authorizer)
        with self.send(endpoint, Call("GET", "/v2/", attempts=attempts)) as response:
            if scheme == "http" and response.status == 400:
                raise Cut(f"`{host}` wants TLS")
            if response.status == 404:
                raise Unreachable(f"`{host}` is no registry: it has no `/v2/`")
        return endpoint

    def _plainly(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Response:
        """Ask a token server: its answers are read by whoever asks, its redirects are not followed."""
        patience = self.patience()
        while True:
            try:
                response = self._transport.exchange(method, url, headers, body)
            except Cut:
                if not patience.spend():
                    raise
                continue
            if response.status not in PASSING or not patience.spend(wanted_pause_s(response)):
                return response
            response.close()

    def _authorized(self, endpoint: Endpoint, call: Call) -> Response:
        response = self._followed(endpoint, call)
        if response.status != 401 or _origin(response.url) != _origin(endpoint.url):
            return response
        endpoint.authorizer.forget(call.scopes)
        if not endpoint.authorizer.learn(response):
            return response
        if call.path == "/v2/" and not call.scopes:
            return response
        response.close()
        return self._followed(endpoint, call)

    def _followed(self, endpoint: Endpoint, call: Call) -> Response:
        url = urljoin(endpoint.url + "/", call.path)
        _check_onward(endpoint, endpoint.url, url)
        authorization = endpoint.authorizer.header(call.scopes)
        for _ in range(_REDIRECTS):
            own = _origin(url) == _origin(endpoint.url)
            headers = {**call.headers, **({"Authorization": authorization} if authorization and own else {})}
            response = self._transport.exchange(call.method, url, headers, call.body)
            self._pass_on_warnings(response)
            target = response.header("Location")
            if not target or response.status not in (_MOVED if call.method in ("GET", "HEAD") else _MOVED_AS_IT_IS):
                return response
            response.close()
            onward = urljoin(url, target)
            _check_onward(endpoint, url, onward)
            url = onward
        raise Unreachable(f"registry `{endpoint.host}` sends on more than {_REDIRECTS} times")

    def _pass_on_warnings(self, response: Response) -> None:
        for value in response.headers("Warning"):
            for text in _WARNING.findall(value[:_WARNING_BYTES]):
                self._warn(urlsplit(response.url).netloc, printable(_ESCAPED.sub(r"\1", text)))

    def _warn(self, host: str, text: str) -> None:
        with self._warnings_lock:
            is_new = (host, text) not in self._warnings and len(self._warnings) < _MOST_WARNINGS
            self._warnings.add((host, text))
        if is_new and self._warned is not None:
            self._warned(host, text)


def _check_onward(endpoint: Endpoint, url: str, onward: str) -> None:
    """Refuse to go on where others could read along, or where there is no HTTP. Raises Unreachable."""
    scheme = urlsplit(onward).scheme
    if scheme != "https" and (scheme != "http" or urlsplit(url).scheme == "https"):
        raise Unreachable(f"registry `{endpoint.host}` sends on from https to `{scheme}`, which is refused")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def words_of(response: Response) -> str:
    """Return what a registry says of an error, from the answer's body (distribution-spec, "Error Codes")."""
    try:
        first = json.loads(response.read(_ERROR_BYTES))["errors"][0]
        code = str(first.get("code", "")).lower().replace("_", " ")
        message = str(first.get("message", ""))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, Unavailable, InvalidArgument):
        code = message = ""
    # Most messages begin with what the code says.
    parts = (message,) if message.lower().startswith(code) else (code, message)
    words = printable(": ".join(filter(None, parts)))
    return words or _MEANINGS.get(response.status) or f"HTTP status {response.status}"


def wanted_pause_s(response: Response) -> float:
    """Return the seconds a server asks to wait by `Retry-After` (RFC 9110 10.2.3), 0 where it does not."""
    text = response.header("Retry-After")
    if text.isdecimal() and text.isascii():
        return float(text[:6])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0
