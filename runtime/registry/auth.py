"""Who the user is: challenges, tokens, Basic (RFC 7235; distribution-spec's predecessor, token authentication).

    registry ──401 `Bearer realm="https://…",service="…"`──▶ GET realm?service=…&scope=repository:NAME:pull ──▶ token

A registry that is reached by https names no realm that is not: its answer would send the password in clear.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlencode, urlsplit

from runtime.errors import InvalidArgument, PermissionDenied
from runtime.registry.credentials import Credentials
from runtime.registry.transport import Response, printable
from schemas.dataclass import dataclass

_DEFAULT_LIFETIME_S = 60
_SPARE_S = 10
_ANSWER_BYTES = 1 << 20
_CLIENT = "pycompose"
_CHALLENGE = re.compile(r"\s*(?:,\s*)*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s+|$)")
_PARAMETER = re.compile(r'\s*,?\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
Ask = Callable[[str, str, dict[str, str], bytes | None], Response]
"""method, URL, headers, body: an exchange without any credentials but those in the headers."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in which a server wants to know who asks."""

    scheme: str
    """In lower case."""
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    until_s: float
    """Monotonic clock."""


def challenges(values: Sequence[str]) -> list[Challenge]:
    """Read headers `WWW-Authenticate`; what cannot be read is left out."""
    found = []
    for value in values:
        position = 0
        while match := _CHALLENGE.match(value, position):
            position = match.end()
            parameters: dict[str, str] = {}
            while parameter := _PARAMETER.match(value, position):
                position = parameter.end()
                quoted, bare = parameter[2], parameter[3]
                text = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
                parameters[parameter[1].lower()] = text
            found.append(Challenge(match[1].lower(), parameters))
    return found


class Authorizer:
    """The user before one registry. Used by several threads."""

    def __init__(self, host: str, credentials: Callable[[], Credentials | None], ask: Ask, *, encrypted: bool) -> None:
        self._host = host
        self._find = credentials
        self._ask = ask
        self._encrypted = encrypted
        self._challenge: Challenge | None = None
        self._tokens: dict[tuple[str, ...], _Token] = {}
        self._lock = threading.Lock()

    def learn(self, response: Response) -> bool:
        """Take in the challenge of an answer 401; return whether there is a way to meet it.

        Raises PermissionDenied for one that would give the credentials away.
        """
        known = {challenge.scheme: challenge for challenge in challenges(response.headers("WWW-Authenticate"))}
        found = known.get("bearer") or known.get("basic")
        if found is None:
            return False
        if found.scheme == "bearer":
            self._check_realm(found.parameters.get("realm", ""))
        self._challenge = found
        return True

    def header(self, scopes: tuple[str, ...]) -> str:
        """Return the value of `Authorization` for some scopes, empty where none is wanted or known.

        Raises PermissionDenied, Unavailable, and what the credential store raises.
        """
        challenge = self._challenge
        if challenge is None:
            return ""
        with self._lock:
            if challenge.scheme == "basic":
                found = self._find()
                return found.basic if found is not None and found.username else ""
            token = self._tokens.get(scopes)
            if token is None or token.until_s < time.monotonic():
                token = self._tokens[scopes] = self._fetch(challenge, scopes)
            return token.header

    def forget(self, scopes: tuple[str, ...]) -> None:
        """Let go of a token that was not accepted."""
        with self._lock:
            self._tokens.pop(scopes, None)

    def _check_realm(self, realm: str) -> None:
        parts = urlsplit(realm)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise PermissionDenied(f"registry `{self._host}` names no place for tokens: `{printable(realm)}`")
        if self._encrypted and parts.scheme != "https":
            raise PermissionDenied(
                f"registry `{self._host}` sends for tokens to `{printable(realm)}`, where the password would be sent"
                " in clear",
                hint="the registry's configuration is at fault, or somebody stands between",
            )

    def _fetch(self, challenge: Challenge, scopes: tuple[str, ...]) -> _Token:
        credentials = self._find()
        realm, service = challenge.parameters["realm"], challenge.parameters.get("service", "")
        if credentials is not None and credentials.identity_token:
            fields = {
                "grant_type": "refresh_token",
                "service": service,
                "client_id": _CLIENT,
                "scope": " ".join(scopes),
                "refresh_token": credentials.identity_token,
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return self._token(self._ask("POST", realm, headers, urlencode(fields).encode()))
        query = [("service", service)] if service else []
        query += [("scope", scope) for scope in scopes]
        headers = {}
        if credentials is not None and credentials.username:
            query += [("account", credentials.username)]
            headers["Authorization"] = credentials.basic
        joint = "&" if urlsplit(realm).query else "?"
        return self._token(self._ask("GET", f"{realm}{joint}{urlencode(query)}" if query else realm, headers, None))

    def _token(self, response: Response) -> _Token:
        with response:
            content = response.read(_ANSWER_BYTES)
            if response.status in (400, 401, 403):
                raise PermissionDenied(
                    f"registry `{self._host}` refuses the credentials: {_words(content, response.status)}",
                    hint=f"`pycompose login {self._host}` keeps new ones",
                )
            if response.status != 200:
                raise PermissionDenied(f"registry `{self._host}` gives no token: {_words(content, response.status)}")
        try:
            document = json.loads(content)
            token = document.get("token") or document.get("access_token")
            lifetime = document.get("expires_in") or _DEFAULT_LIFETIME_S
        except (ValueError, AttributeError, RecursionError) as error:
            raise InvalidArgument(f"the token of registry `{self._host}` is not valid JSON") from error
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise InvalidArgument(f"the token of registry `{self._host}` is empty, or no text")
        seconds = lifetime if isinstance(lifetime, int | float) and lifetime > 0 else _DEFAULT_LIFETIME_S
        return _Token(f"Bearer {token}", time.monotonic() + max(seconds - _SPARE_S, seconds / 2))


def _words(content: bytes, status: int) -> str:
    try:
        document = json.loads(content)
        errors = document.get("errors") or []
        found = errors[0].get("message") if errors else document.get("details") or document.get("message")
    except (ValueError, AttributeError, TypeError, LookupError, RecursionError):
        found = None
    return printable(str(found)) if found else f"HTTP status {status}"
