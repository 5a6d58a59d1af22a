"""What an nftables rule is made of: each expression as nft(8) writes it, and as the kernel reads it.

Sources: include/uapi/linux/netfilter/nf_tables.h, nft(8). Matches load a register and compare it; the
registers of 4 bytes (NFT_REG32_00 = 8 …) lie in those of 16 bytes (NFT_REG_1 = 1 …).
"""

import ipaddress
import struct
from typing import NamedTuple

from runtime.network.netlink_socket import attribute, nested, text

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}
FAMILY_OF_VERSION = {4: 2, 6: 10}
"""NFPROTO_IPV4, NFPROTO_IPV6 by address version."""

_VERDICT_REGISTER = 0
_REGISTER = 1
_REGISTER_32 = 8
_EQUAL, _UNEQUAL = 0, 1
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_META = {"iifname": 6, "oifname": 7, "nfproto": 15, "l4proto": 16}
_CT_STATE, _CT_STATUS = 0, 2
_ESTABLISHED_RELATED = 0b110
_STATUS_DNAT = 0x20
_FIB_ADDRESS_TYPE = 3
_FIB_SOURCE, _FIB_DESTINATION = 1, 2
_LOCAL = 2
_DNAT = 1
_VERDICTS = {"drop": 0, "accept": 1, "jump": -3}
_IP_NAME = {4: "ip", 6: "ip6"}
_ADDRESS_BYTES = {4: 4, 6: 16}
_SOURCE_OFFSET = {4: 12, 6: 8}
_DESTINATION_OFFSET = {4: 16, 6: 24}
_INTERFACE_BYTES = 16


class Expression(NamedTuple):
    """One condition or action of a rule."""

    text: str
    wire: bytes


def be32(value: int) -> bytes:
    """Return a number as nf_tables wants its attributes: 32 bits, big-endian."""
    return struct.pack(">I", value)


def interface_in(name: str, *, negated: bool = False) -> Expression:
    """The packet came in by this interface (or by another one)."""
    return _interface("iifname", name, negated)


def interface_out(name: str, *, negated: bool = False) -> Expression:
    """The packet goes out by this interface (or by another one)."""
    return _interface("oifname", name, negated)


def interface_prefix(which: str, prefix: str) -> Expression:
    """Match `iifname` or `oifname` by its beginning, as iptables' `-i pc-+` does."""
    return Expression(f'{which} "{prefix}*"', _meta(which) + _compare(prefix.encode()))


def version(number: int) -> Expression:
    """The packet is of IPv4 or of IPv6."""
    return Expression(f"meta nfproto ipv{number}", _meta("nfproto") + _compare(bytes([FAMILY_OF_VERSION[number]])))


def source(network: Network) -> Expression:
    """The packet's source lies in a subnet. In an inet table, put `version` before it."""
    return _address("saddr", _SOURCE_OFFSET, network)


def destination(network: Network) -> Expression:
    """The packet's destination lies in a subnet. In an inet table, put `version` before it."""
    return _address("daddr", _DESTINATION_OFFSET, network)


def port(protocol: str, number: int) -> Expression:
    """The packet is of this protocol and goes to this port."""
    wire = _meta("l4proto") + _compare(bytes([PROTOCOLS[protocol]]))
    return Expression(
        f"{protocol} dport {number}", wire + _payload(_TRANSPORT_HEADER, 2, 2) + _compare(struct.pack(">H", number))
    )


def destination_is_local() -> Expression:
    """The destination is an address of this host."""
    return Expression("fib daddr type local", _fib(_FIB_DESTINATION))


def source_is_local() -> Expression:
    """The source is an address of this host."""
    return Expression("fib saddr type local", _fib(_FIB_SOURCE))


def established() -> Expression:
    """The packet belongs to a connection that was let through before."""
    return Expression("ct state established,related", _conntrack(_CT_STATE, _ESTABLISHED_RELATED))


def was_published() -> Expression:
    """The connection was redirected by a DNAT rule: it came by a published port."""
    return Expression("ct status dnat", _conntrack(_CT_STATUS, _STATUS_DNAT))


def counter() -> Expression:
    """Count packets and bytes."""
    return Expression("counter", _expression("counter"))


def accept() -> Expression:
    """Let the packet through this table."""
    return _verdict("accept")


def drop() -> Expression:
    """Throw the packet away."""
    return _verdict("drop")


def jump(chain: str) -> Expression:
    """Go on in another chain, come back at its end."""
    return _verdict("jump", chain)


def masquerade() -> Expression:
    """Send with the address of the interface it goes out by."""
    return Expression("masquerade", _expression("masq"))


def dnat(address: Address, number: int) -> Expression:
    """Redirect to this address and port."""
    kind = address.version
    width = _ADDRESS_BYTES[kind]
    registers = _REGISTER_32, _REGISTER_32 + width // 4
    wire = _immediate(registers[0], address.packed) + _immediate(registers[1], struct.pack(">H", number))
    return Expression(f"dnat {_IP_NAME[kind]} to {address}:{number}", wire + _nat(kind, *registers))


def dnat_by_map(number: int, name: str, *, by_address: bool) -> Expression:
    """Redirect to what the map has for the packet's (destination address,) protocol and port; else go on."""
    wire = b""
    register = _REGISTER_32
    key = "meta l4proto . th dport"
    if by_address:
        width = _ADDRESS_BYTES[number]
        wire += _payload(_NETWORK_HEADER, _DESTINATION_OFFSET[number], width, register)
        register += width // 4
        key = f"{_IP_NAME[number]} daddr . {key}"
    wire += _meta("l4proto", register) + _payload(_TRANSPORT_HEADER, 2, 2, register + 1)
    wire += _expression("lookup", text(1, name), attribute(2, be32(_REGISTER_32)), attribute(3, be32(_REGISTER_32)))
    wire += _nat(number, _REGISTER_32, _REGISTER_32 + _ADDRESS_BYTES[number] // 4)
    return Expression(f"dnat {_IP_NAME[number]} to {key} map @{name}", wire)


def _interface(which: str, name: str, negated: bool) -> Expression:
    compared = _compare(name.encode().ljust(_INTERFACE_BYTES, b"\0"), _UNEQUAL if negated else _EQUAL)
    return Expression(f'{which} {"!= " if negated else ""}"{name}"', _meta(which) + compared)


def _address(which: str, offsets: dict[int, int], network: Network) -> Expression:
    wire = _payload(_NETWORK_HEADER, offsets[network.version], _ADDRESS_BYTES[network.version])
    if network.prefixlen < network.max_prefixlen:
        wire += _bitwise(network.netmask.packed)
    shown = network if network.prefixlen < network.max_prefixlen else network.network_address
    return Expression(f"{_IP_NAME[network.version]} {which} {shown}", wire + _compare(network.network_address.packed))


def _expression(name: str, *attributes: bytes) -> bytes:
    return nested(1, text(1, name), nested(2, *attributes))


def _compare(data: bytes, operation: int = _EQUAL) -> bytes:
    return _expression(
        "cmp", attribute(1, be32(_REGISTER)), attribute(2, be32(operation)), nested(3, attribute(1, data))
    )


def _meta(key: str, register: int = _REGISTER) -> bytes:
    return _expression("meta", attribute(2, be32(_META[key])), attribute(1, be32(register)))


def _payload(header: int, offset: int, length: int, register: int = _REGISTER) -> bytes:
    return _expression(
        "payload",
        attribute(1, be32(register)),
        attribute(2, be32(header)),
        attribute(3, be32(offset)),
        attribute(4, be32(length)),
    )


def _bitwise(mask: bytes) -> bytes:
    return _expression(
        "bitwise",
        attribute(1, be32(_REGISTER)),
        attribute(2, be32(_REGISTER)),
        attribute(3, be32(len(mask))),
        nested(4, attribute(1, mask)),
        nested(5, attribute(1, bytes(len(mask)))),
    )


def _fib(direction: int) -> bytes:
    loaded = _expression(
        "fib",
        attribute(1, be32(_REGISTER)),
        attribute(2, be32(_FIB_ADDRESS_TYPE)),
        attribute(3, be32(direction)),
    )
    return loaded + _compare(struct.pack("=I", _LOCAL))


def _conntrack(key: int, bits: int) -> bytes:
    loaded = _expression("ct", attribute(1, be32(_REGISTER)), attribute(2, be32(key)))
    return loaded + _bitwise(struct.pack("=I", bits)) + _compare(bytes(4), _UNEQUAL)


def _immediate(register: int, data: bytes) -> bytes:
    return _expression("immediate", attribute(1, be32(register)), nested(2, attribute(1, data)))


def _verdict(name: str, chain: str = "") -> Expression:
    parts = [attribute(1, struct.pack(">i", _VERDICTS[name]))]
    if chain:
        parts.append(text(2, chain))
    wire = _expression("immediate", attribute(1, be32(_VERDICT_REGISTER)), nested(2, nested(2, *parts)))
    return Expression(f"{name} {chain}" if chain else name, wire)


def _nat(number: int, address_register: int, port_register: int) -> bytes:
    return _expression(
        "nat",
        attribute(1, be32(_DNAT)),
        attribute(2, be32(FAMILY_OF_VERSION[number])),
        attribute(3, be32(address_register)),
        attribute(5, be32(port_register)),
    )
