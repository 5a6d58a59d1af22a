"""Logging in and out: credentials are tried before they are kept. Needs no store and no rights."""

from runtime.errors import PermissionDenied
from runtime.registry.credentials import Credentials, CredentialStore, open_credentials
from runtime.registry.session import Call, Session
from runtime.registry.settings import DOCKER_HUB, read_settings
from schemas.dataclass import dataclass

_HUB_NAMES = frozenset({"", DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class Kept:
    """Where credentials went."""

    server: str
    path: str
    """The file, where they stand in clear; empty when a credential helper has them."""


def domain_of(server: str) -> str:
    """Return the domain of references for what a user calls a registry: a name, or a URL."""
    host = server.strip().removeprefix("https://").removeprefix("http://").partition("/")[0]
    return DOCKER_HUB if host in _HUB_NAMES else host


def known_credentials(server: str) -> Credentials | None:
    """Return what is kept for a registry. Raises FailedPrecondition, InvalidArgument."""
    return open_credentials().get(domain_of(server))


def log_in(server: str, username: str, password: str) -> Kept:
    """Try credentials and keep them. Raises PermissionDenied when they are refused, Unavailable, InvalidArgument."""
    domain = domain_of(server)
    store = open_credentials()
    credentials = Credentials(username, password)
    check(domain, credentials, store)
    helper = store.put(domain, credentials)
    return Kept(domain, "" if helper else str(store.path))


def check(domain: str, credentials: Credentials, store: CredentialStore | None = None) -> None:
    """Try credentials. Raises PermissionDenied when they are refused, Unavailable."""
    session = Session(read_settings(), store or open_credentials())
    try:
        endpoint = session.endpoint(domain, credentials)
        with session.send(endpoint, Call("GET", "/v2/")) as response:
            if response.status in (401, 403):
                raise PermissionDenied(
                    f"login attempt to `{domain}` failed: unauthorized: incorrect username or password"
                )
    finally:
        session.close()


def log_out(server: str) -> str:
    """Forget a registry's credentials; return its domain. Idempotent. Raises FailedPrecondition, InvalidArgument."""
    domain = domain_of(server)
    open_credentials().remove(domain)
    return domain
