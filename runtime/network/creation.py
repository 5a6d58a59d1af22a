"""What a new network is: its subnets, gateway and bridge; and which links the host has."""

import ipaddress
import socket
from collections.abc import Sequence

from runtime.errors import Unsupported
from runtime.network import drivers, ipam
from schemas.engine.identifiers import NetworkID, new_id
from schemas.engine.records import NetworkRecord
from schemas.engine.specs import IPAMPool, NetworkSpec


def new_network(spec: NetworkSpec, existing: Sequence[NetworkRecord], *, created_ns: int) -> NetworkRecord:
    """Return the record of a network that does not exist yet, with subnets nothing else has.

    Raises Unsupported, InvalidArgument, Conflict, ResourceExhausted.
    """
    identifier = NetworkID(new_id())
    options = drivers.options_of(spec, identifier)
    taken = [*_of_networks(existing), *ipam.host_networks()]
    ipv4 = _pool(spec, 4, taken, identifier)
    ipv6 = _pool(spec, 6, taken, identifier) if spec.enable_ipv6 else None
    return NetworkRecord(
        id=identifier,
        spec=spec,
        created_ns=created_ns,
        bridge=options.link if spec.driver == "bridge" else "",
        subnet=str(ipv4.subnet),
        gateway=str(ipv4.gateway),
        ipv6_subnet=str(ipv6.subnet) if ipv6 else "",
        ipv6_gateway=str(ipv6.gateway) if ipv6 else "",
    )


def bridge_addresses(record: NetworkRecord) -> tuple[str, ...]:
    """Return the bridge's own addresses, which are the containers' gateways, as `address/length`."""
    pairs = ((record.gateway, record.subnet), (record.ipv6_gateway, record.ipv6_subnet))
    return tuple(f"{gateway}/{ipaddress.ip_network(subnet).prefixlen}" for gateway, subnet in pairs if subnet)


def link_exists(name: str) -> bool:
    """Whether this network namespace has a link of this name."""
    try:
        socket.if_nametoindex(name)
    except OSError:
        return False
    return True


def _pool(spec: NetworkSpec, version: int, taken: list[tuple[ipam.Network, str]], seed: str) -> ipam.AddressPool:
    wanted = wanted_pool(spec, version)
    if wanted.subnet:
        pool = ipam.plan_pool(wanted)
        # A macvlan joins its parent's network, so the host's own routes are no conflict.
        others = [each for each in taken if spec.driver != "macvlan" or each[1].startswith("network")]
        ipam.check_free(pool.subnet, others)
        return pool
    avoided = [network for network, _ in taken]
    chosen = ipam.choose_subnet(avoided) if version == 4 else ipam.choose_ipv6_subnet(seed, avoided)
    return ipam.plan_pool(wanted, chosen)


def wanted_pool(spec: NetworkSpec, version: int) -> IPAMPool:
    """Return what the request says about the addresses of an IP version. Raises Unsupported for two subnets."""
    sized = [each for each in spec.pools if each.subnet]
    matching = [each for each in sized if (":" in each.subnet) == (version == 6)]
    if len(matching) > 1:
        raise Unsupported(f"network `{spec.name}`: several IPv{version} subnets are not supported")
    if matching:
        return matching[0]
    return next((each for each in spec.pools if not each.subnet and version == 4), IPAMPool())


def _of_networks(existing: Sequence[NetworkRecord]) -> list[tuple[ipam.Network, str]]:
    return [
        (ipaddress.ip_network(subnet), f"network `{each.name}`")
        for each in existing
        for subnet in (each.subnet, each.ipv6_subnet)
        if subnet
    ]
