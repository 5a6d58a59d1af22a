"""Where queries for other names go: the host's servers, or a container's own (`dns`)."""

import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from runtime.resolver.sockets import RESOLVER_ADDRESS

HOST_RESOLV_CONF = Path("/etc/resolv.conf")
MAXIMUM = 3
"""As many as libc asks (resolv.conf(5), MAXNS)."""

_FALLBACK = ("8.8.8.8", "8.8.4.4")
"""Docker's, where the host names none."""


def of_container(dns: Sequence[str], host_text: str | None = None) -> tuple[str, ...]:
    """Return the servers for a container: `dns`, or the host's; three at most, never ourselves."""
    found: Iterable[str] = dns
    if not dns:
        found = parse(of_host() if host_text is None else host_text)[0] or _FALLBACK
    return tuple(each for each in valid_addresses(found) if each != RESOLVER_ADDRESS)[:MAXIMUM]


class HostServers:
    """The host's servers as they are now: a laptop changes its network while containers run."""

    def __init__(self, path: Path = HOST_RESOLV_CONF) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._servers: tuple[str, ...] = _FALLBACK

    def __call__(self) -> tuple[str, ...]:
        """Return the servers; the file is read again when it has changed, at the cost of a stat."""
        try:
            status = self._path.stat()
            seen = status.st_mtime_ns, status.st_ino
            if seen != self._seen:
                self._servers = of_container((), self._path.read_text(errors="replace"))
                self._seen = seen
        except OSError:
            self._seen, self._servers = None, _FALLBACK
        return self._servers


def of_host() -> str:
    """Return the host's resolv.conf; empty when there is none."""
    try:
        return HOST_RESOLV_CONF.read_text(errors="replace")
    except OSError:
        return ""


def parse(text: str) -> tuple[list[str], list[str], list[str]]:
    """Return (servers, search domains, options) of a resolv.conf; as in libc the last search line wins."""
    servers: list[str] = []
    search: list[str] = []
    options: list[str] = []
    for line in text.splitlines():
        words = line.partition("#")[0].partition(";")[0].split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            servers += valid_addresses(words[1:2])
        elif words[0] in {"search", "domain"}:
            search = words[1:]
        elif words[0] == "options":
            options += words[1:]
    return servers, search, options


def valid_addresses(values: Iterable[str]) -> list[str]:
    """Return those that are IP addresses, with or without a zone (`fe80::1%eth0`)."""
    found = []
    for each in values:
        address = each.partition("%")[0]
        try:
            # The supervisor does without the module ipaddress: 4 ms and half a megabyte.
            socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
        except OSError:
            continue
        found.append(each)
    return found
