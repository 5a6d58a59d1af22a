"""Address management: which subnet a network gets, which address an endpoint gets. Pure, but for `host_networks`.

Docker's default pools in Docker's order (libnetwork ipamutils), less 172.17.0.0/16, which is tried
last so that a Docker that is installed later finds its own first network free. Docker's networks are
not in our database, so the host's routes and addresses are looked at as well.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from runtime.errors import Conflict, InvalidArgument, ResourceExhausted
from schemas.dataclass import dataclass
from schemas.engine.specs import IPAMPool

IPv4Network = ipaddress.IPv4Network
IPv6Network = ipaddress.IPv6Network
Network = IPv4Network | IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_POOLS = (
    *((f"172.{second}.0.0/16", 16) for second in range(18, 32)),
    ("192.168.0.0/16", 20),
    ("172.17.0.0/16", 16),
)
_ULA_PREFIX = 64
_PROC_NET = Path("/proc/net")
_RESOLV_CONF = Path("/etc/resolv.conf")


@dataclass(frozen=True, slots=True)
class AddressPool:
    """Where the addresses of one family of a network come from."""

    subnet: Network
    gateway: Address
    range: Network
    """Addresses are given out of this part of the subnet."""
    reserved: frozenset[Address] = frozenset()
    """Never given out, besides the gateway (aux_addresses)."""
    by_user: bool = False
    """The subnet was asked for, so static addresses may be."""


def plan_pool(wanted: IPAMPool, chosen: Network | None = None) -> AddressPool:
    """Return the pool that a request and, where it names no subnet, a chosen one describe.

    Raises InvalidArgument for something that lies outside of its subnet or is not an address.
    """
    by_user = bool(wanted.subnet)
    subnet = parse_network(wanted.subnet, "subnet") if by_user else chosen
    if subnet is None:
        raise InvalidArgument("an address range or gateway needs a subnet")
    gateway = parse_address(wanted.gateway, "gateway") if wanted.gateway else subnet[1]
    span = parse_network(wanted.ip_range, "ip_range") if wanted.ip_range else subnet
    reserved = frozenset(parse_address(each, f"aux_addresses.{name}") for name, each in wanted.aux_addresses.items())
    for what, address in (("gateway", gateway), *(("auxiliary address", each) for each in reserved)):
        if address not in subnet:
            raise InvalidArgument(f"no matching subnet for {what} `{address}`", hint=f"the subnet is {subnet}")
    if not (subnet.version == span.version and span[0] in subnet and span[-1] in subnet):
        raise InvalidArgument(f"no matching subnet for range `{span}`", hint=f"the subnet is {subnet}")
    return AddressPool(subnet, gateway, span, reserved, by_user)


def choose_subnet(taken: Iterable[Network]) -> IPv4Network:
    """Return the first subnet of the default pools that overlaps nothing. Raises ResourceExhausted."""
    avoided = [each for each in taken if isinstance(each, IPv4Network)]
    for candidate in _candidates():
        if not any(candidate.overlaps(each) for each in avoided):
            return candidate
    raise ResourceExhausted(
        "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
        hint="remove networks that are not used, or give the network a subnet (ipam.config.subnet)",
    )


def choose_ipv6_subnet(seed: str, taken: Iterable[Network]) -> IPv6Network:
    """Return a unique local subnet of 64 bits (RFC 4193) that `seed` decides and nothing overlaps."""
    avoided = [each for each in taken if isinstance(each, IPv6Network)]
    attempt = 0
    while True:
        digest = sha256(f"{seed}/{attempt}".encode()).digest()
        candidate = IPv6Network((b"\xfd" + digest[:7] + bytes(8), _ULA_PREFIX))
        if not any(candidate.overlaps(each) for each in avoided):
            return candidate
        attempt += 1


def check_free(subnet: Network, taken: Iterable[tuple[Network, str]]) -> None:
    """Raise Conflict when a subnet that was asked for overlaps one of (network, whose)."""
    for other, whose in taken:
        if other.version == subnet.version and other.overlaps(subnet):
            raise Conflict(
                f"invalid pool request: pool overlaps with other one on this address space: `{subnet}` and `{other}`",
                hint=f"`{other}` belongs to {whose}",
            )


def choose_address(pool: AddressPool, taken: Iterable[str], wanted: str = "") -> Address:
    """Return the address asked for, or the next after the newest of `taken` (which comes last).

    Going on from the newest keeps an address that was just given back from turning up again at once.
    Raises InvalidArgument, Conflict, ResourceExhausted.
    """
    used = [each for each in taken if each]
    if wanted:
        others = {*map(ipaddress.ip_address, used), pool.gateway, *pool.reserved}
        return _static(pool, parse_address(wanted, "address"), others)
    # As text: parsing all of them for each new one would cost more the more there are.
    refused = {*used, str(pool.gateway), *map(str, pool.reserved)}
    first, last = int(pool.range[0]), int(pool.range[-1])
    kind = type(pool.range[0])
    latest = (ipaddress.ip_address(each) for each in reversed(used))
    newest = next((int(each) for each in latest if each in pool.range), first - 1)
    for number in _round(newest + 1, first, last, limit=len(refused) + 3):
        address = kind(number)
        if str(address) not in refused and not _is_edge(pool.subnet, address):
            return address
    raise ResourceExhausted(
        f"no available IPv4 addresses on this network's address pools: `{pool.range}`"
        if pool.subnet.version == 4
        else f"no available addresses in `{pool.range}`",
        hint="remove containers, or give the network a larger subnet",
    )


def host_networks() -> list[tuple[Network, str]]:
    """Return (network, whose) of the host's routes, addresses and name servers, without default routes."""
    found: list[tuple[Network, str]] = []
    for line in _lines(_PROC_NET / "route")[1:]:
        name, destination, *_ = columns = line.split()
        network = IPv4Network((bytes.fromhex(destination)[::-1], _ones(columns[7])))
        found.append((network, f"a route by the host's `{name}`"))
    for line in _lines(_PROC_NET / "ipv6_route"):
        columns = line.split()
        network6 = IPv6Network((bytes.fromhex(columns[0]), int(columns[1], 16)))
        if not (network6.is_link_local or network6.is_multicast):
            found.append((network6, f"a route by the host's `{columns[9]}`"))
    address = ""
    for line in _lines(_PROC_NET / "fib_trie"):
        _, mark, leaf = line.partition("|-- ")
        if mark:
            address = leaf.strip()
        elif address and line.strip() == "/32 host LOCAL":
            # Where the kernel's tables change while they are read, a piece may come without its address.
            found.append((IPv4Network(address), "an address of the host"))
    for line in _lines(_RESOLV_CONF):
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            found += _single(words[1])
    return [(network, whose) for network, whose in found if network.prefixlen > 0 and not network.is_loopback]


def parse_network(value: str, what: str) -> Network:
    """Return a network; raises InvalidArgument, also when bits are set to the right of its mask."""
    try:
        return ipaddress.ip_network(value)
    except ValueError as error:
        raise InvalidArgument(f"invalid {what} `{value}`: {error}") from error


def parse_address(value: str, what: str) -> Address:
    """Return an address. Raises InvalidArgument."""
    try:
        return ipaddress.ip_address(value)
    except ValueError as error:
        raise InvalidArgument(f"invalid {what} `{value}`: not an IP address") from error


def _candidates() -> Iterator[IPv4Network]:
    for pool, size in _POOLS:
        yield from IPv4Network(pool).subnets(new_prefix=size)


def _static(pool: AddressPool, address: Address, refused: set[Address]) -> Address:
    if not pool.by_user:
        raise InvalidArgument(
            "user specified IP address is supported only when connecting to networks with user configured subnets",
            hint="give the network a subnet (ipam.config.subnet)",
        )
    if address not in pool.subnet or _is_edge(pool.subnet, address):
        raise InvalidArgument(f"no configured subnet contains IP address `{address}`", hint=f"it is {pool.subnet}")
    if address in refused:
        raise Conflict(f"address `{address}` is already in use")
    return address


def _round(start: int, first: int, last: int, *, limit: int) -> Iterator[int]:
    # Among `limit` candidates one is free unless the range is smaller: no need to try 65,536.
    size = last - first + 1
    for step in range(min(size, limit)):
        yield first + (start - first + step) % size


def _is_edge(subnet: Network, address: Address) -> bool:
    """Whether it is the network's own or its broadcast address (IPv6: the router anycast address)."""
    if subnet.max_prefixlen - subnet.prefixlen < 2:
        return False
    return address == subnet.network_address or (subnet.version == 4 and address == subnet.broadcast_address)


def _ones(mask: str) -> int:
    return int(mask, 16).bit_count()


def _single(address: str) -> list[tuple[Network, str]]:
    try:
        return [(ipaddress.ip_network(address.partition("%")[0]), "a name server of the host")]
    except ValueError:
        return []


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
