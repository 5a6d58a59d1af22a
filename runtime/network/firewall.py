"""What a project's networks and published ports need from the firewall, as one table.

The order of the rules in `forward` matters: internal networks are cut off before any published port
is let through. Packets to a network pass when they belong to a known connection, come from the same
network, or came by a published port (`ct status dnat`); all others are dropped. So networks are
isolated from one another and from the outside, and no rule per port or per container is needed.

A port published on 127.0.0.1 needs no process: the bridge's `route_localnet` and a masquerade make it
reachable from the host; the `raw` chain keeps the outside from using that (class of CVE-2020-8558).
"""

import ipaddress
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runtime.network import nft_expressions as nft
from runtime.network.nftables import Chain, Message, PortMap, Rule, Table, Target, adding, network, removing, replacing
from schemas.dataclass import dataclass

_RAW, _DNAT, _FILTER, _SNAT = -300, -100, 0, 100
BRIDGE_CHAIN = "to_"
"""Beginning of the name of the chain that decides what enters a bridge."""
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


@dataclass(frozen=True, slots=True)
class BridgeNeeds:
    """A bridge network as the firewall sees it."""

    bridge: str
    subnets: tuple[str, ...]
    internal: bool = False
    masquerade: bool = True
    inter_container: bool = True
    """Whether its containers may talk to one another (option enable_icc)."""


@dataclass(frozen=True, slots=True)
class PortNeeds:
    """A published port as the firewall sees it. `host_ip` is an address, unspecified for all."""

    protocol: str
    host_ip: str
    host_port: int
    address: str
    container_port: int
    bridge: str = ""
    """Of the network it leads to; empty for a macvlan."""


def table_name(state: Path, project: str) -> str:
    """Return the name of a project's table; two state directories never share one."""
    return f"pycompose_{root_tag(state)}_{project}"


def root_tag(state: Path) -> str:
    """Return 6 digits that stand for a state directory in names of kernel objects."""
    return f"{zlib.crc32(bytes(state)) & 0xFFFFFF:06x}"


def plan(name: str, bridges: Sequence[BridgeNeeds], ports: Sequence[PortNeeds]) -> Table:
    """Return the whole table of a project. Pure."""
    chains = [
        Chain("raw", "prerouting", _RAW),
        Chain("prerouting", "prerouting", _DNAT, "nat"),
        Chain("output", "output", _DNAT, "nat"),
        Chain("postrouting", "postrouting", _SNAT, "nat"),
        Chain("forward", "forward", _FILTER),
        Chain("ports"),
    ]
    rules = [
        Rule("raw", (nft.interface_in("lo", negated=True), nft.version(4), nft.destination(_LOOPBACK), nft.drop())),
        Rule("prerouting", (nft.destination_is_local(), nft.jump("ports"))),
        Rule("output", (nft.destination_is_local(), nft.jump("ports"))),
    ]
    rules += [
        Rule("forward", (nft.interface_in(each.bridge), nft.interface_out(each.bridge, negated=True), nft.drop()))
        for each in bridges
        if each.internal
    ]
    for each in bridges:
        chains.append(Chain(f"{BRIDGE_CHAIN}{each.bridge}"))
        rules += _entering(each)
        rules += _leaving(each)
    maps = _maps(ports)
    rules += [
        Rule("ports", (nft.version(each.version), nft.dnat_by_map(each.version, each.name, by_address=each.by_address)))
        for each in maps
    ]
    return Table(name, tuple(chains), tuple(rules), maps)


def difference(before: Table | None, after: Table) -> list[Message]:
    """Return the messages from one table to another: few when only ports differ, all when anything else does."""
    if before is None or replace(before, maps=()) != replace(after, maps=()):
        return replacing(after)
    messages: list[Message] = []
    for old, new in zip(before.maps, after.maps, strict=True):
        kept = set(old.targets) & set(new.targets)
        gone = tuple(target for target in old.targets if target not in kept)
        come = tuple(target for target in new.targets if target not in kept)
        messages += removing(after, replace(new, targets=gone))
        messages += adding(after, replace(new, targets=come))
    return messages


def with_ports(table: Table, ports: Sequence[PortNeeds]) -> Table:
    """Return the table with more published ports; one that was there already leads to its new target."""
    more = {each.name: each.targets for each in _maps(ports)}
    merged = []
    for each in table.maps:
        added = more.pop(each.name, ())
        keys = {_key(target) for target in added}
        kept = tuple(target for target in each.targets if _key(target) not in keys)
        merged.append(replace(each, targets=kept + added))
    return replace(table, maps=tuple(merged))


def _key(target: Target) -> tuple[str, int, nft.Address | None]:
    return target.protocol, target.host_port, target.host_address


def _entering(each: BridgeNeeds) -> list[Rule]:
    chain = f"{BRIDGE_CHAIN}{each.bridge}"
    rules = [
        Rule("forward", (nft.interface_out(each.bridge), nft.jump(chain))),
        Rule(chain, (nft.established(), nft.accept())),
        Rule(chain, (nft.interface_in(each.bridge), nft.accept() if each.inter_container else nft.drop())),
    ]
    if not each.internal:
        rules.append(Rule(chain, (nft.was_published(), nft.accept())))
    return [*rules, Rule(chain, (nft.counter(), nft.drop()))]


def _leaving(each: BridgeNeeds) -> list[Rule]:
    if each.internal:
        return []
    rules = []
    for subnet in map(network, each.subnets):
        inside = (nft.version(subnet.version), nft.source(subnet))
        if each.masquerade:
            rules.append(Rule("postrouting", (*inside, nft.interface_out(each.bridge, negated=True), nft.masquerade())))
        # To a published port of a container on the same bridge: its answer must come back this way.
        rules.append(
            Rule("postrouting", (*inside, nft.interface_out(each.bridge), nft.was_published(), nft.masquerade()))
        )
    # From the host itself, which may have called 127.0.0.1.
    return [
        *rules,
        Rule(
            "postrouting",
            (nft.interface_out(each.bridge), nft.was_published(), nft.source_is_local(), nft.masquerade()),
        ),
    ]


def _maps(ports: Sequence[PortNeeds]) -> tuple[PortMap, ...]:
    """Return all four maps always, so that a port more or less changes no rule."""
    targets: dict[tuple[int, bool], list[Target]] = {
        (version, kind): [] for version in (4, 6) for kind in (True, False)
    }
    for each in ports:
        host, address = ipaddress.ip_address(each.host_ip), ipaddress.ip_address(each.address)
        by_address = not host.is_unspecified
        targets[address.version, by_address].append(
            Target(each.protocol, each.host_port, address, each.container_port, host if by_address else None)
        )
    return tuple(
        PortMap(f"ports{version}_{'at' if by_address else 'any'}", version, by_address, tuple(found))
        for (version, by_address), found in targets.items()
    )
