"""Who is called what, as each container sees it.

A container sees the names of the networks it stands on and no others; of several containers of one
name it gets every address, in turn another one first. Only what was added exists: the supervisor adds
a container when it runs and removes it when it has ended.
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field

from runtime.resolver.codec import AAAA, A
from schemas.dataclass import dataclass
from schemas.engine.records import EndpointRecord

Foreign = Callable[[tuple[str, ...]], Iterable[EndpointRecord]]
"""Given network ids, the endpoints of other projects' running containers on them."""
Link = tuple[str, str]
"""(name only this container sees, name of the container it stands for)."""

_IPV4_REVERSE, _IPV6_REVERSE = b".in-addr.arpa", b".ip6.arpa"


@dataclass(frozen=True, slots=True)
class _Place:
    """A container on a network: what it answers with."""

    container_id: str
    ipv4: bytes
    ipv6: bytes
    name: str
    """The first of its names, for PTR."""


@dataclass(frozen=True, slots=True)
class _View:
    """What one container sees."""

    networks: dict[str, bytes]
    """Network ids in the order of its interfaces, with their names in lower case."""
    links: dict[bytes, bytes]


def _nothing(_: tuple[str, ...]) -> Iterable[EndpointRecord]:
    return ()


@dataclass(slots=True)
class Zone:
    """The names of a project's running containers."""

    foreign: Foreign = _nothing
    _views: dict[str, _View] = field(default_factory=dict)
    _names: dict[str, dict[bytes, list[_Place]]] = field(default_factory=dict)
    _addresses: dict[str, dict[bytes, _Place]] = field(default_factory=dict)
    _turn: int = 0

    def add(self, container_id: str, endpoints: Sequence[EndpointRecord], links: Iterable[Link] = ()) -> None:
        """Make a container known, in place of what was known of it."""
        self.remove(container_id)
        self._views[container_id] = _View(
            {each.network_id: each.network.lower().encode() for each in endpoints},
            {alias.lower().encode(): target.lower().encode() for alias, target in links},
        )
        for endpoint in endpoints:
            place = _place(container_id, endpoint)
            names = self._names.setdefault(endpoint.network_id, {})
            for name in endpoint.names:
                names.setdefault(name.lower().encode(), []).append(place)
            addresses = self._addresses.setdefault(endpoint.network_id, {})
            addresses.update({address: place for address in (place.ipv4, place.ipv6) if address})

    def remove(self, container_id: str) -> None:
        """Forget a container. Idempotent."""
        view = self._views.pop(container_id, None)
        for network_id in view.networks if view else ():
            names = self._names.get(network_id, {})
            for name, places in list(names.items()):
                names[name] = [place for place in places if place.container_id != container_id]
                if not names[name]:
                    del names[name]
            addresses = self._addresses.get(network_id, {})
            for address in [each for each, place in addresses.items() if place.container_id == container_id]:
                del addresses[address]

    def resolve(self, container_id: str, name: bytes, record_type: int) -> list[bytes] | None:
        """Return the packed addresses of a name as a container sees it; None for a name nobody has.

        `name` is in lower case. A name that exists has an empty list for types other than A and AAAA.
        """
        view = self._views.get(container_id)
        if view is None:
            return None
        if (target := view.links.get(name)) is not None:
            places = self._find(view, target)
            return None if places is None else self._content(places, record_type)
        for candidate, network in _readings(name):
            places = self._find(view, candidate, network)
            if places is not None:
                return self._content(places, record_type)
        return self._resolve_foreign(view, name, record_type)

    def reverse(self, container_id: str, name: bytes) -> str | None:
        """Return `name.network` for a name below in-addr.arpa or ip6.arpa; None when it is of nobody."""
        view = self._views.get(container_id)
        address = _reversed(name)
        if view is None or address is None:
            return None
        for network_id, network in view.networks.items():
            place = self._addresses.get(network_id, {}).get(address)
            if place is not None and place.name:
                return f"{place.name}.{network.decode()}"
        return None

    def _find(self, view: _View, name: bytes, network: bytes = b"") -> list[_Place] | None:
        for network_id, network_name in view.networks.items():
            if network in {b"", network_name}:
                places = self._names.get(network_id, {}).get(name)
                if places:
                    return places
        return None

    def _content(self, places: Sequence[_Place], record_type: int) -> list[bytes]:
        if record_type == A:
            found = [place.ipv4 for place in places if place.ipv4]
        elif record_type == AAAA:
            found = [place.ipv6 for place in places if place.ipv6]
        else:
            return []
        if len(found) > 1:
            self._turn += 1
            start = self._turn % len(found)
            found = found[start:] + found[:start]
        return found

    def _resolve_foreign(self, view: _View, name: bytes, record_type: int) -> list[bytes] | None:
        text = name.decode("latin-1")
        found: dict[str, list[_Place]] = {}
        for endpoint in self.foreign(tuple(view.networks)):
            if any(each.lower() == text for each in endpoint.names):
                found.setdefault(endpoint.network_id, []).append(_place("", endpoint))
        for network_id in view.networks:
            if network_id in found:
                return self._content(found[network_id], record_type)
        return None


def _readings(name: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Yield (name, network or empty): `a.b.c` is a name, then `a.b` on network `c`, then `a` on `b.c`."""
    yield name, b""
    end = len(name)
    while (end := name.rfind(b".", 0, end)) > 0:
        yield name[:end], name[end + 1 :]


def _place(container_id: str, endpoint: EndpointRecord) -> _Place:
    return _Place(
        container_id,
        _packed(endpoint.ipv4_address),
        _packed(endpoint.ipv6_address),
        endpoint.names[0] if endpoint.names else "",
    )


def _packed(address: str) -> bytes:
    if not address:
        return b""
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def _reversed(name: bytes) -> bytes | None:
    try:
        if name.endswith(_IPV4_REVERSE):
            octets = name.removesuffix(_IPV4_REVERSE).split(b".")
            return bytes(int(octet) for octet in reversed(octets)) if len(octets) == 4 else None
        if name.endswith(_IPV6_REVERSE):
            digits = b"".join(reversed(name.removesuffix(_IPV6_REVERSE).split(b".")))
            return bytes.fromhex(digits.decode()) if len(digits) == 32 else None
    except ValueError:
        return None
    return None
