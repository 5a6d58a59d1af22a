"""nftables tables as data, their text, and the atomic netlink batch that makes them.

No `nft` binary and no library: pyroute2 sends one transaction a call and mis-encodes masks and `fib`.
A batch replaces a table whole; either all of it takes place or nothing. Works in whatever network
namespace the calling thread is in. Sources: include/uapi/linux/netfilter/nf_tables.h, nfnetlink.h.
"""

import errno
import ipaddress
import struct
from typing import Literal

from runtime.errors import PermissionDenied, SyscallError, Unsupported
from runtime.network.netlink_socket import (
    APPEND,
    CREATE,
    NETLINK_NETFILTER,
    NetlinkSocket,
    attribute,
    message,
    nested,
    text,
)
from runtime.network.nft_expressions import PROTOCOLS, Address, Expression, be32
from schemas.dataclass import dataclass

FAMILIES = {"inet": 1, "ip": 2, "ip6": 10}
HOOKS = {"prerouting": 0, "input": 1, "forward": 2, "output": 3, "postrouting": 4}
SUBSYSTEM = 10 << 8
"""NFNL_SUBSYS_NFTABLES, in a message type's upper half."""
NEW_TABLE, GET_TABLE, DELETE_TABLE, NEW_CHAIN, GET_CHAIN, NEW_RULE, GET_RULE = 0, 1, 2, 3, 4, 6, 7
_NEW_SET, _NEW_ELEMENT, _DELETE_ELEMENT = 9, 12, 14
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_ACCEPT = 1
_SET_IS_MAP = 0x8
_TYPE_ADDRESS = {4: 7, 6: 8}
_TYPE_PROTOCOL, _TYPE_SERVICE = 12, 13
_TYPE_BITS = 6
"""nft's numbering of key types, for `nft list` alone: a concatenation shifts by 6 bits."""
_ELEMENTS_PER_MESSAGE = 400
"""A list attribute's length has 16 bits."""

Message = tuple[bytes, str]


@dataclass(frozen=True, slots=True)
class Chain:
    """A list of rules; a base chain (with `hook`) is where packets enter."""

    name: str
    hook: str = ""
    priority: int = 0
    type: Literal["filter", "nat"] = "filter"


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions and an action, in a chain."""

    chain: str
    expressions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """An element of a port map: where packets to a port of the host go."""

    protocol: str
    host_port: int
    address: Address
    container_port: int
    host_address: Address | None = None


@dataclass(frozen=True, slots=True)
class PortMap:
    """(Address,) protocol and port to address and port: one lookup however many ports there are."""

    name: str
    version: int
    by_address: bool
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Everything a project needs, replaced as one."""

    name: str
    chains: tuple[Chain, ...]
    rules: tuple[Rule, ...]
    maps: tuple[PortMap, ...] = ()
    family: str = "inet"

    def __str__(self) -> str:
        lines = [f"table {self.family} {self.name} {{"]
        for each in self.maps:
            lines += [f"  map {each.name} {{", *(f"    {_target_text(target)}" for target in each.targets), "  }"]
        for chain in self.chains:
            lines.append(f"  chain {chain.name} {{")
            if chain.hook:
                lines.append(f"    type {chain.type} hook {chain.hook} priority {chain.priority}; policy accept;")
            lines += [
                "    " + " ".join(expression.text for expression in rule.expressions)
                for rule in self.rules
                if rule.chain == chain.name
            ]
            lines.append("  }")
        return "\n".join([*lines, "}"])


def replacing(table: Table) -> list[Message]:
    """Return the messages that put this table in place of one of its name, or of none.

    Deleting makes the kernel wait some 15 ms for readers; `creating` does not.
    """
    return [*deleting(table.name, table.family), *creating(table)]


def creating(table: Table) -> list[Message]:
    """Return the messages that make a table where there is none of its name."""
    family = FAMILIES[table.family]
    messages: list[Message] = [(_new_table(family, table.name), table.name)]
    messages += [(_new_map(family, table.name, each), each.name) for each in table.maps]
    messages += [(_new_chain(family, table.name, chain), chain.name) for chain in table.chains]
    for each in table.maps:
        messages += adding(table, each)
    messages += [
        (new_rule(family, table.name, rule.chain, rule.expressions), " ".join(e.text for e in rule.expressions))
        for rule in table.rules
    ]
    return messages


def deleting(name: str, family: str = "inet") -> list[Message]:
    """Return the messages after which there is no such table, whether there was one or not."""
    number = FAMILIES[family]
    # Made first, so that deleting never fails: kernels before 6.3 have no "destroy".
    return [
        (_new_table(number, name), name),
        (nft_message(DELETE_TABLE, 0, number, text(1, name)), name),
    ]


def adding(table: Table, ports: PortMap) -> list[Message]:
    """Return the messages that add elements to a map of a table that exists."""
    return _elements(_NEW_ELEMENT, CREATE, table, ports)


def removing(table: Table, ports: PortMap) -> list[Message]:
    """Return the messages that take elements out of a map."""
    return _elements(_DELETE_ELEMENT, 0, table, ports)


def new_rule(family: int, table: str, chain: str, expressions: tuple[Expression, ...], *, first: bool = False) -> bytes:
    """Return the message that adds one rule at the end of a chain, or at its head."""
    body = text(1, table) + text(2, chain) + nested(4, *(expression.wire for expression in expressions))
    return nft_message(NEW_RULE, CREATE if first else CREATE | APPEND, family, body)


def nft_message(kind: int, flags: int, family: int, body: bytes) -> bytes:
    """Return one nf_tables request."""
    return message(SUBSYSTEM | kind, flags, struct.pack("=BBH", family, 0, 0) + body)


def commit(messages: list[Message]) -> None:
    """Carry out messages as one transaction in this thread's network namespace.

    Raises Unsupported when the kernel has no nf_tables, PermissionDenied, or SyscallError with the
    kernel's words.
    """
    if not messages:
        return
    body = struct.pack(">BBH", 0, 0, SUBSYSTEM >> 8)
    try:
        with NetlinkSocket(NETLINK_NETFILTER) as netlink:
            netlink.batch(message(_BATCH_BEGIN, 0, body), messages, message(_BATCH_END, 0, body))
    except SyscallError as error:
        raise _explained(error) from error


def table_exists(name: str, family: str = "inet") -> bool:
    """Whether this network namespace has the table."""
    try:
        with NetlinkSocket(NETLINK_NETFILTER) as netlink:
            return bool(netlink.dump(nft_message(GET_TABLE, 0, FAMILIES[family], text(1, name))))
    except SyscallError as error:
        if error.errno == errno.ENOENT:
            return False
        raise _explained(error) from error


def _explained(error: SyscallError) -> Exception:
    if error.errno in {errno.EPROTONOSUPPORT, errno.EINVAL} and error.call == "socket":
        return Unsupported("this kernel has no nf_tables", hint="load the module `nf_tables` (CONFIG_NF_TABLES)")
    if error.errno == errno.EPERM:
        return PermissionDenied("the kernel refuses firewall rules", hint="run pycompose as root")
    return error


def _new_table(family: int, name: str) -> bytes:
    return nft_message(NEW_TABLE, CREATE, family, text(1, name))


def _new_chain(family: int, table: str, chain: Chain) -> bytes:
    body = text(1, table) + text(3, chain.name)
    if chain.hook:
        hook = nested(4, attribute(1, be32(HOOKS[chain.hook])), attribute(2, struct.pack(">i", chain.priority)))
        body += hook + text(7, chain.type) + attribute(5, be32(_ACCEPT))
    return nft_message(NEW_CHAIN, CREATE, family, body)


def _new_map(family: int, table: str, ports: PortMap) -> bytes:
    address = _TYPE_ADDRESS[ports.version]
    width = 4 if ports.version == 4 else 16
    key_type = (_TYPE_PROTOCOL << _TYPE_BITS) | _TYPE_SERVICE
    if ports.by_address:
        key_type |= address << 2 * _TYPE_BITS
    body = b"".join(
        (
            text(1, table),
            text(2, ports.name),
            attribute(3, be32(_SET_IS_MAP)),
            attribute(4, be32(key_type)),
            attribute(5, be32(8 + (width if ports.by_address else 0))),
            attribute(6, be32((address << _TYPE_BITS) | _TYPE_SERVICE)),
            attribute(7, be32(width + 4)),
            attribute(10, be32(1)),
        )
    )
    return nft_message(_NEW_SET, CREATE, family, body)


def _elements(kind: int, flags: int, table: Table, ports: PortMap) -> list[Message]:
    messages = []
    for start in range(0, len(ports.targets), _ELEMENTS_PER_MESSAGE):
        part = ports.targets[start : start + _ELEMENTS_PER_MESSAGE]
        body = text(1, table.name) + text(2, ports.name) + nested(3, *(_element(ports, target) for target in part))
        messages.append(
            (nft_message(kind, flags, FAMILIES[table.family], body), f"{ports.name} {_target_text(part[0])}")
        )
    return messages


def _element(ports: PortMap, target: Target) -> bytes:
    key = bytes([PROTOCOLS[target.protocol], 0, 0, 0]) + struct.pack(">HH", target.host_port, 0)
    if ports.by_address and target.host_address is not None:
        key = target.host_address.packed + key
    data = target.address.packed + struct.pack(">HH", target.container_port, 0)
    return nested(1, nested(1, attribute(1, key)), nested(2, attribute(1, data)))


def _target_text(target: Target) -> str:
    host = f"{target.host_address} . " if target.host_address is not None else ""
    return f"{host}{target.protocol} . {target.host_port} : {target.address} . {target.container_port}"


def network(value: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return a subnet or a single address as a network."""
    return ipaddress.ip_network(value, strict=False)
