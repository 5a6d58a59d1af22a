"""What the network worker is asked, and answers: one JSON document a message, a descriptor beside it.

Every request has a class; its name is the `call`. An answer is `{"answer": …}` or `{"error": …}`.
"""

from typing import Literal

from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class MakeBridge:
    """A bridge on the host, up, with addresses (`a.b.c.d/n`). Idempotent."""

    name: str
    mac_address: str
    mtu: int
    alias: str
    addresses: tuple[str, ...]
    ipv6: bool = False


@dataclass(frozen=True, slots=True)
class DeleteLink:
    """No link of this name. Idempotent."""

    name: str


@dataclass(frozen=True, slots=True)
class ListAliases:
    """The links with an alias: answer is a dict of name to alias."""


@dataclass(frozen=True, slots=True)
class SandboxEndpoint:
    """One interface of a sandbox."""

    kind: Literal["veth", "macvlan"]
    link: str
    """The bridge, or a macvlan's parent."""
    host_interface: str
    interface: str
    mac_address: str
    mtu: int
    addresses: tuple[str, ...]
    gateways: tuple[str, ...] = ()
    """Of the default routes: one of each address family at most; empty when another endpoint has it."""
    ipv6: bool = False
    mode: str = "bridge"
    """Of a macvlan."""


@dataclass(frozen=True, slots=True)
class MakeSandbox:
    """A new network namespace with these interfaces; its descriptor comes with the answer."""

    endpoints: tuple[SandboxEndpoint, ...]
    resolver: bool = False
    """Whether 127.0.0.11:53 leads to the embedded DNS server."""


Request = MakeBridge | DeleteLink | ListAliases | MakeSandbox
REQUESTS: dict[str, type[MakeBridge] | type[DeleteLink] | type[ListAliases] | type[MakeSandbox]] = {
    each.__name__: each for each in (MakeBridge, DeleteLink, ListAliases, MakeSandbox)
}
