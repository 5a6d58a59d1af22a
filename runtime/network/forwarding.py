"""Living with others that forward packets: the kernel's switch, and Docker's FORWARD policy of DROP.

Every base chain must accept a packet, so an accept in a table of ours does not help where iptables'
FORWARD chain drops by default: a rule must stand in that very chain. Docker leaves DOCKER-USER for this
purpose. The rules are written as iptables-nft writes them, so that `iptables -S` still reads them; they
only let pass what a bridge of ours is a part of, and our own table still decides about that.
"""

import errno
import struct
from collections.abc import Iterable
from pathlib import Path

from runtime.errors import PermissionDenied, SyscallError
from runtime.network import nft_expressions as nft
from runtime.network.netlink_socket import DUMP, NETLINK_NETFILTER, NetlinkSocket, attribute_list, attributes, text
from runtime.network.nftables import FAMILIES, GET_CHAIN, GET_RULE, Message, commit, new_rule, nft_message
from schemas.dataclass import dataclass

BRIDGE_PREFIX = "pc-"
_TABLE, _DOCKER, _FORWARD = "filter", "DOCKER-USER", "FORWARD"
_NFGEN_BYTES = 4
_CHAIN_POLICY, _RULE_EXPRESSIONS = 5, 4
_DROP = 0
_META_KEYS = {6: "iifname", 7: "oifname"}
_SWITCHES = {4: ("ipv4/ip_forward",), 6: ("ipv6/conf/all/forwarding", "ipv6/conf/default/forwarding")}
_SYSCTL = Path("/proc/sys/net")


@dataclass(frozen=True, slots=True)
class _Obstacle:
    family: str
    chain: str


def switch_on(version: int) -> None:
    """Have the kernel forward packets of an IP version, when it does not yet. Raises PermissionDenied."""
    for name in _SWITCHES[version]:
        switch = _SYSCTL / name
        try:
            if switch.read_text().strip() == "0":
                if version == 6:
                    _keep_router_advertisements()
                switch.write_text("1")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise PermissionDenied(
                f"cannot switch on forwarding: `net/{name}` is read-only", hint=f"sysctl net/{name}=1 on the host"
            ) from error


def patterns_of(bridges: Iterable[str]) -> frozenset[str]:
    """Return how these bridges are matched: ours by the beginning of their names, one with a name of its own whole."""
    # A name with its NUL compares as a whole: `-i br-shop`; without it as a beginning: `-i pc-+`.
    return frozenset(BRIDGE_PREFIX if each.startswith(BRIDGE_PREFIX) else f"{each}\0" for each in bridges)


def pass_foreign_policies(patterns: Iterable[str]) -> None:
    """Put our accepts into Docker's or iptables' forward chain, where one would drop our packets. Idempotent."""
    messages: list[Message] = []
    with NetlinkSocket(NETLINK_NETFILTER) as netlink:
        for family in ("ip", "ip6"):
            obstacle = _find_obstacle(netlink, family)
            if obstacle is not None:
                messages += _missing_rules(netlink, obstacle, patterns)
    commit(messages)


def _find_obstacle(netlink: NetlinkSocket, family: str) -> _Obstacle | None:
    if _policy(netlink, family, _DOCKER) is not None:
        return _Obstacle(family, _DOCKER)
    if _policy(netlink, family, _FORWARD) == _DROP:
        return _Obstacle(family, _FORWARD)
    return None


def _policy(netlink: NetlinkSocket, family: str, chain: str) -> int | None:
    """Return a chain's policy, -1 for a chain without one, None without the chain."""
    request = nft_message(GET_CHAIN, 0, FAMILIES[family], text(1, _TABLE) + text(3, chain))
    try:
        answers = netlink.dump(request)
    except SyscallError as error:
        if error.errno in {errno.ENOENT, errno.EOPNOTSUPP, errno.EAFNOSUPPORT}:
            return None
        raise
    policy = attributes(answers[0][1], _NFGEN_BYTES).get(_CHAIN_POLICY) if answers else None
    return -1 if policy is None else int.from_bytes(policy, "big")


def _missing_rules(netlink: NetlinkSocket, obstacle: _Obstacle, patterns: Iterable[str]) -> list[Message]:
    body = text(1, _TABLE) + text(2, obstacle.chain)
    answers = netlink.dump(nft_message(GET_RULE, DUMP, FAMILIES[obstacle.family], body))
    present = {match for _, rule in answers for match in _matches(rule)}
    return [
        (
            new_rule(
                FAMILIES[obstacle.family],
                _TABLE,
                obstacle.chain,
                (nft.interface_prefix(which, pattern), nft.counter(), nft.accept()),
                first=True,
            ),
            f"{obstacle.family} {_TABLE} {obstacle.chain}",
        )
        for pattern in patterns
        for which in _META_KEYS.values()
        if (which, pattern) not in present
    ]


def _matches(rule: bytes) -> list[tuple[str, str]]:
    """Return (`iifname` or `oifname`, what it is compared with) of a rule."""
    found = []
    key = 0
    for _, element in attribute_list(attributes(rule, _NFGEN_BYTES).get(_RULE_EXPRESSIONS, b"")):
        parts = attributes(element)
        name, data = parts.get(1, b"").rstrip(b"\0"), attributes(parts.get(2, b""))
        if name == b"meta":
            (key,) = struct.unpack(">I", data[2])
        elif name == b"cmp" and key in _META_KEYS:
            compared = attributes(data.get(3, b"")).get(1, b"")
            found.append((_META_KEYS[key], compared.decode("latin-1")))
    return found


def _keep_router_advertisements() -> None:
    # A forwarding host stops listening to its router, and loses its own default route, unless told otherwise.
    for switch in _SYSCTL.glob("ipv6/conf/*/accept_ra"):
        if switch.read_text().strip() == "1":
            switch.write_text("2")
