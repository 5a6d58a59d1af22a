"""Endpoints: a container's places on networks, from the request to what the worker is asked to make. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from runtime.errors import InvalidArgument
from runtime.network import creation, drivers, ipam
from runtime.network.messages import SandboxEndpoint
from schemas.engine.identifiers import short
from schemas.engine.records import EndpointRecord, NetworkRecord
from schemas.engine.specs import ContainerSpec, EndpointSpec


def names_of(container_id: str, spec: ContainerSpec, endpoint: EndpointSpec) -> tuple[str, ...]:
    """Return every name a container answers to on a network (libnetwork's buildEndpointDNSNames)."""
    if endpoint.network == drivers.DEFAULT_NETWORK:
        return ()
    names = (spec.name, *endpoint.aliases, short(container_id), spec.hostname)
    return tuple(dict.fromkeys(name for name in names if name))


def in_order(spec: ContainerSpec) -> tuple[EndpointSpec, ...]:
    """Return the endpoints in the order of their interfaces: highest priority first, then as written."""
    wanted = spec.endpoints or (EndpointSpec(drivers.DEFAULT_NETWORK),)
    return tuple(sorted(wanted, key=lambda each: -each.priority))


def gateway_of(endpoints: Sequence[EndpointSpec], networks: Mapping[str, NetworkRecord]) -> str:
    """Return the name of the network that gives the default route; empty when all are internal."""
    leading = [each for each in endpoints if not networks[each.network].spec.internal]
    best = min(leading, key=lambda each: (-each.gateway_priority, each.network), default=None)
    return best.network if best else ""


def allocated(
    container_id: str, endpoint: EndpointSpec, network: NetworkRecord, taken: Sequence[tuple[str, str]], position: int
) -> EndpointRecord:
    """Return an endpoint with its addresses; `taken` are the network's (IPv4, IPv6), the newest last.

    Raises InvalidArgument, Conflict, ResourceExhausted.
    """
    ipv4 = _pool(network, 4)
    address = ipam.choose_address(ipv4, [each for each, _ in taken], endpoint.ipv4_address)
    record = EndpointRecord(
        network_id=network.id,
        network=network.name,
        ipv4_address=str(address),
        prefix_length=ipv4.subnet.prefixlen,
        gateway="" if network.spec.internal else network.gateway,
        mac_address=endpoint.mac_address or mac_address(address),
        interface=drivers.interface_name(network.name, endpoint.interface_name) or f"eth{position}",
        host_interface=drivers.veth_name(container_id, position) if network.bridge else "",
    )
    if not network.ipv6_subnet:
        if endpoint.ipv6_address:
            raise InvalidArgument(f"network `{network.name}` has no IPv6 subnet", hint="set enable_ipv6 on it")
        return record
    ipv6 = _pool(network, 6)
    address6 = ipam.choose_address(ipv6, [each for _, each in taken], endpoint.ipv6_address)
    return replace(
        record,
        ipv6_address=str(address6),
        ipv6_prefix_length=ipv6.subnet.prefixlen,
        ipv6_gateway="" if network.spec.internal else network.ipv6_gateway,
    )


def mac_address(address: ipam.Address) -> str:
    """Return the hardware address that goes with an IPv4 address: 02:42 and its four bytes, as in Docker's bridges.

    Whoever gets the IP address next has the same hardware address, so that no neighbour's cache is wrong.
    """
    return ":".join(f"{each:02x}" for each in (0x02, 0x42, *address.packed))


def to_make(endpoint: EndpointRecord, network: NetworkRecord) -> SandboxEndpoint:
    """Return what the worker is asked to make for an endpoint."""
    options = drivers.options_of(network.spec, network.id)
    addresses = [f"{endpoint.ipv4_address}/{endpoint.prefix_length}"] if endpoint.ipv4_address else []
    if endpoint.ipv6_address:
        addresses.append(f"{endpoint.ipv6_address}/{endpoint.ipv6_prefix_length}")
    gateways = [endpoint.gateway, endpoint.ipv6_gateway] if endpoint.default_gateway else []
    return SandboxEndpoint(
        kind="macvlan" if network.spec.driver == "macvlan" else "veth",
        link=options.link,
        host_interface=endpoint.host_interface,
        interface=endpoint.interface,
        mac_address=endpoint.mac_address,
        mtu=options.mtu,
        addresses=tuple(addresses),
        gateways=tuple(each for each in gateways if each),
        ipv6=bool(endpoint.ipv6_address),
        mode=options.mode,
    )


def _pool(network: NetworkRecord, version: int) -> ipam.AddressPool:
    subnet = network.subnet if version == 4 else network.ipv6_subnet
    gateway = network.gateway if version == 4 else network.ipv6_gateway
    wanted = creation.wanted_pool(network.spec, version)
    return ipam.plan_pool(replace(wanted, gateway=gateway), ipam.parse_network(subnet, "subnet"))
