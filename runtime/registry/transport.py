"""HTTP to hosts: connections, certificates, proxies. The one door to urllib3; no retries, no redirects, no credentials.

What fails here is one of two things: `Unreachable`, which another attempt will not mend, or `Cut`, which one may. What
an answer means is for others to say, with `Refused` and `Busy` as the words for the same two.
"""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http.client import IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass
from weakref import WeakSet

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationValueError, ProxyError
from urllib3.exceptions import SSLError as TLSFailure

from runtime.errors import InvalidArgument, Unavailable
from runtime.registry.settings import HostSettings, Settings, is_loopback, name_of

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
"""Without a single byte."""
PIECE_BYTES = 1 << 18
_CONNECTIONS = 8
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_PLAIN_ANSWERS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")
Body = bytes | Callable[[], IO[bytes]] | None
"""What is sent: bytes, or a function that opens it, since it may have to be sent again."""


class Unreachable(Unavailable):
    """Nobody answers there, or it is not whom we look for."""


class NotEncrypted(Unreachable):
    """The server speaks plain HTTP where TLS was expected."""


class Cut(Unavailable):
    """The connection ended, or nothing came for too long."""


class Refused(Unavailable):
    """The server answered, and would answer another attempt alike."""


class Busy(Unavailable):
    """The server answered that it cannot now."""

    def __init__(self, message: str, *, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        """How long it asks to wait, in seconds."""


class Response:
    """An answer whose body has not been read yet. Close it."""

    def __init__(self, raw: urllib3.BaseHTTPResponse, url: str) -> None:
        self._raw = raw
        self.url = url
        self.status = raw.status

    def header(self, name: str) -> str:
        """Return a header's value, empty where there is none."""
        return str(self._raw.headers.get(name, ""))

    def headers(self, name: str) -> list[str]:
        """Return all values of a header."""
        return list(self._raw.headers.getlist(name))

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it comes. Raises Cut."""
        while piece := self._piece():
            yield piece

    def read(self, limit_bytes: int) -> bytes:
        """Return the whole body. Raises Cut, and InvalidArgument when it is larger than it may be."""
        content = bytearray()
        for piece in self.pieces():
            content += piece
            if len(content) > limit_bytes:
                raise InvalidArgument(f"the answer of `{self.url:.200}` is larger than {limit_bytes} bytes")
        return bytes(content)

    def close(self) -> None:
        """Let go of the body; the connection is used again only if all of it was read."""
        with suppress(HTTPError, OSError):
            self._raw.close()

    def _piece(self) -> bytes:
        try:
            # Never decoded: a digest is of the bytes as they come.
            return self._raw.read1(PIECE_BYTES, decode_content=False)
        except (HTTPError, OSError) as error:
            raise Cut(f"the connection to `{_host_of(self.url)}` was cut: {_reason(error)}") from error

    def __enter__(self) -> "Response":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _remembering(known: "WeakSet[HTTPConnection]") -> dict[str, type[HTTPConnectionPool]]:
    """Return urllib3's pools with connections that are remembered, since it does not know those in use."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            known.add(self)

    class Encrypted(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            # What is not verified was allowed by the settings: the library need not warn of it.
            self.is_verified = True
            known.add(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


class Transport:
    """Pools of connections, one for each host. Used by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._connections: WeakSet[HTTPConnection] = WeakSet()
        self._classes = _remembering(self._connections)
        self._lock = threading.Lock()

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: Body = None) -> Response:
        """Send one request and return the answer's beginning. Raises Unreachable, Cut, InvalidArgument."""
        opened, whole = (body(), None) if callable(body) else (None, body)
        try:
            raw = self._pool(url).request(
                method,
                url,
                body=opened or whole,
                headers={"Accept-Encoding": "identity", "User-Agent": "pycompose", **headers},
                preload_content=False,
                redirect=False,
                retries=False,
            )
        except (LocationValueError, ssl.SSLError, UnicodeError) as error:
            raise Unreachable(f"cannot reach `{_host_of(url)}`: {_reason(error)}") from error
        except TLSFailure as error:
            raise _tls_failure(url, error) from error
        except (ConnectTimeoutError, ProxyError) as error:
            raise Unreachable(f"cannot reach `{_host_of(url)}`: {_reason(error)}") from error
        except (HTTPError, OSError) as error:
            raise Cut(f"the connection to `{_host_of(url)}` was cut: {_reason(error)}") from error
        finally:
            if opened is not None:
                opened.close()
        return Response(raw, url)

    def abort(self) -> None:
        """Cut every exchange under way, from another thread: whoever waits for an answer gets Cut."""
        for connection in list(self._connections):
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()
            self._pools.clear()

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        key = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            if key not in self._pools:
                self._pools[key] = self._make(parts.scheme, parts.netloc)
            return self._pools[key]

    def _make(self, scheme: str, host: str) -> urllib3.PoolManager:
        pool = self._new_pool(scheme, host)
        pool.pool_classes_by_scheme = self._classes
        return pool

    def _new_pool(self, scheme: str, host: str) -> urllib3.PoolManager:
        settings = self._settings.of(host)
        context = _context(settings) if scheme == "https" else None
        more: dict[str, Any] = {
            "maxsize": _CONNECTIONS,
            "blocksize": PIECE_BYTES,
            "timeout": urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
            "ssl_context": context,
        }
        proxy = proxy_for(scheme, host)
        if not proxy:
            return urllib3.PoolManager(**more)
        parts = urlsplit(proxy)
        user = unquote(parts.netloc.rpartition("@")[0])
        authority = urllib3.make_headers(proxy_basic_auth=user) if user else {}
        try:
            return urllib3.ProxyManager(proxy, proxy_headers=authority, **more)
        except (HTTPError, ValueError) as error:
            raise Unreachable(
                f"the proxy of the environment for {scheme} cannot be used: {_reason(error)}",
                hint="`HTTP_PROXY` and `HTTPS_PROXY` are URLs such as `http://proxy.lan:3128`",
            ) from error


def _context(settings: HostSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    # A Python that was built elsewhere looks for certificates where it was built.
    if not context.cert_store_stats()["x509_ca"] and _AUTHORITIES.exists():
        context.load_verify_locations(_AUTHORITIES)
    if settings.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        for path in settings.ca_files:
            context.load_verify_locations(path)
        if settings.client_certificate is not None:
            context.load_cert_chain(settings.client_certificate, settings.client_key)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(f"`{path}`" for path in (*settings.ca_files, settings.client_certificate) if path)
        raise InvalidArgument(f"cannot use the certificates {files}: {_reason(error)}") from error
    return context


def proxy_for(scheme: str, host: str) -> str:
    """Return the proxy for a host by the environment (https_proxy, no_proxy, …); never one for this machine itself."""
    proxies = getproxies_environment()
    if is_loopback(host) or proxy_bypass(host) or _is_in_network(host, proxies.get("no", "")):
        return ""
    found = str(proxies.get(scheme) or proxies.get("all") or "")
    return found if not found or "://" in found else f"http://{found}"


def _is_in_network(host: str, exceptions: str) -> bool:
    """Whether an address is in one of the networks among `no_proxy`, as Go's programs read it: `10.0.0.0/8`."""
    try:
        address = ipaddress.ip_address(name_of(host))
    except ValueError:
        return False
    for each in exceptions.split(","):
        with suppress(ValueError):
            if address in ipaddress.ip_network(each.strip(), strict=False):
                return True
    return False


def _tls_failure(url: str, error: Exception) -> Unreachable:
    text = str(error)
    host = _host_of(url)
    if any(mark in text for mark in _PLAIN_ANSWERS):
        return NotEncrypted(
            f"cannot reach `{host}`: server gave HTTP response to HTTPS client",
            hint=f'`insecure = true` below `[registry."{host}"]` in /etc/pycompose/registries.toml allows plain HTTP',
        )
    return Unreachable(
        f"cannot reach `{host}`: failed to verify certificate: {_reason(error)}",
        hint=f'`ca = "…"` below `[registry."{host}"]` in /etc/pycompose/registries.toml names an issuer to trust',
    )


def _reason(error: BaseException) -> str:
    """Return what happened in a few words: the innermost cause says it best."""
    while True:
        inner = error.__cause__ or error.__context__ or next((a for a in error.args if isinstance(a, Exception)), None)
        if inner is None or inner is error:
            break
        error = inner
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, socket.gaierror):
        return "no such host" if error.errno == socket.EAI_NONAME else "the name cannot be resolved now"
    if isinstance(error, RemoteDisconnected):
        return "it hung up without an answer"
    if isinstance(error, IncompleteRead) and error.expected is not None:
        return f"{error.expected} bytes were still to come"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return printable(str(error)) or type(error).__name__


def printable(text: str) -> str:
    """Return a stranger's text in a form that a terminal can show: one line, no control characters, not too long."""
    return "".join(each if each.isprintable() else " " for each in text).strip()[:300]


def _host_of(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
