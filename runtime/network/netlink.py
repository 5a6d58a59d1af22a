"""Links, addresses and routes: the only place that knows pyroute2.

pyroute2's message classes encode; the transport is ours, so that several requests go in one send (a
sandbox is two) and no event loop or thread is made. Its package's own `__init__` imports some 300
modules in 200 ms of which these classes need 25 ms, so the classes are imported around it.

Sources: rtnetlink(7), include/uapi/linux/if_link.h, veth(4).
"""

import importlib.util
import ipaddress
import socket
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path

from runtime.errors import NotFound, SyscallError, Unsupported
from runtime.network.netlink_socket import (
    CREATE,
    DUMP,
    EXCLUSIVE,
    NETLINK_ROUTE,
    REQUEST,
    NetlinkSocket,
    attribute_list,
)


def _without_package_imports(name: str) -> None:
    found = importlib.util.find_spec(name)
    if found is None:
        raise Unsupported(f"the library `{name}` is not installed", hint=f"pip install {name}")
    package = types.ModuleType(name)
    package.__path__ = list(found.submodule_search_locations or ())
    package.__spec__ = found
    sys.modules[name] = package


if "pyroute2" not in sys.modules:
    _without_package_imports("pyroute2")

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg  # noqa: E402 - after the package was put in place
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg  # noqa: E402 - as above
from pyroute2.netlink.rtnl.rtmsg import rtmsg  # noqa: E402 - as above

_NEW_LINK, _DELETE_LINK, _GET_LINK, _NEW_ADDRESS, _NEW_ROUTE = 16, 17, 18, 20, 24
_UP = 0x1
_NO_DUPLICATE_DETECTION = 0x2
_TABLE_MAIN, _PROTOCOL_BOOT, _SCOPE_UNIVERSE, _UNICAST = 254, 3, 0, 1
_LINK_HEADER_BYTES = 16
_IFNAME, _IFALIAS = 3, 20
MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8}

Message = tuple[bytes, str]
Attributes = list[tuple[str, object]]


def bridge(name: str, mac_address: str, mtu: int, alias: str) -> list[Message]:
    """Return the requests for a bridge that is up; `alias` is what `ip link` shows of its owner."""
    made: Attributes = [
        ("IFLA_IFNAME", name),
        ("IFLA_MTU", mtu),
        # Without one of its own a bridge takes its lowest port's, and changes it as containers come and go.
        ("IFLA_ADDRESS", mac_address),
        ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "bridge")]}),
    ]
    return [
        (_link(made, up=True, flags=CREATE | EXCLUSIVE), f"bridge {name}"),
        (_link([("IFLA_IFNAME", name), ("IFLA_IFALIAS", alias)]), f"alias of {name}"),
    ]


def veth(name: str, bridge_index: int, mtu: int, peer: Mapping[str, str | int]) -> bytes:
    """Return the request for a pair: one end up on a bridge, the other born in a sandbox with its final name.

    `peer` has `name`, `mac_address` and `netns`, a descriptor.
    """
    inner = {
        "attrs": [
            ("IFLA_IFNAME", peer["name"]),
            ("IFLA_MTU", mtu),
            ("IFLA_ADDRESS", peer["mac_address"]),
            ("IFLA_NET_NS_FD", peer["netns"]),
        ]
    }
    made: Attributes = [
        ("IFLA_IFNAME", name),
        ("IFLA_MTU", mtu),
        ("IFLA_MASTER", bridge_index),
        ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_DATA", _peer(inner))]}),
    ]
    return _link(made, up=True, flags=CREATE | EXCLUSIVE)


def hairpin(name: str) -> bytes:
    """Return the request that lets a bridge send a frame back to the port it came from."""
    port = {"attrs": [("IFLA_BRPORT_MODE", 1)]}
    made: Attributes = [
        ("IFLA_IFNAME", name),
        ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_SLAVE_KIND", "bridge"), ("IFLA_INFO_SLAVE_DATA", port)]}),
    ]
    return _link(made)


def macvlan(parent_index: int, mode: str, mtu: int, peer: Mapping[str, str | int]) -> bytes:
    """Return the request for a macvlan link on a parent of the host, born in a sandbox."""
    made: Attributes = [
        ("IFLA_IFNAME", peer["name"]),
        ("IFLA_MTU", mtu),
        ("IFLA_ADDRESS", peer["mac_address"]),
        ("IFLA_LINK", parent_index),
        ("IFLA_NET_NS_FD", peer["netns"]),
        (
            "IFLA_LINKINFO",
            {
                "attrs": [
                    ("IFLA_INFO_KIND", "macvlan"),
                    ("IFLA_INFO_DATA", {"attrs": [("IFLA_MACVLAN_MODE", MACVLAN_MODES[mode])]}),
                ]
            },
        ),
    ]
    return _link(made, flags=CREATE | EXCLUSIVE)


def up(link: int) -> bytes:
    """Return the request that sets a link up."""
    return _link([], index=link, up=True)


def address(link: int, value: str) -> bytes:
    """Return the request that gives a link an address, `a.b.c.d/n` or IPv6."""
    interface = ipaddress.ip_interface(value)
    built = ifaddrmsg()
    built["family"] = _family(interface.version)
    built["prefixlen"] = interface.network.prefixlen
    built["index"] = link
    made: Attributes = [("IFA_ADDRESS", str(interface.ip)), ("IFA_LOCAL", str(interface.ip))]
    if interface.version == 6:
        # Addresses are ours to give: nobody else has it, and waiting would delay the start by a second.
        built["flags"] = _NO_DUPLICATE_DETECTION
    elif interface.network.prefixlen < 31:
        made.append(("IFA_BROADCAST", str(interface.network.broadcast_address)))
    built["attrs"] = made
    return _encoded(built, _NEW_ADDRESS, CREATE | EXCLUSIVE)


def default_route(gateway: str) -> bytes:
    """Return the request for a default route by a gateway."""
    built = rtmsg()
    built["family"] = _family(ipaddress.ip_address(gateway).version)
    built["table"] = _TABLE_MAIN
    built["proto"] = _PROTOCOL_BOOT
    built["scope"] = _SCOPE_UNIVERSE
    built["type"] = _UNICAST
    built["attrs"] = [("RTA_GATEWAY", gateway)]
    return _encoded(built, _NEW_ROUTE, CREATE | EXCLUSIVE)


def delete(link: int) -> bytes:
    """Return the request that deletes a link."""
    return _link([], index=link, kind=_DELETE_LINK)


def index(name: str) -> int:
    """Return a link's number in this thread's network namespace. Raises NotFound."""
    try:
        return socket.if_nametoindex(name)
    except OSError as error:
        raise NotFound(f"no such link: `{name}`") from error


def aliases() -> dict[str, str]:
    """Return the alias of every link that has one."""
    request = _link([], kind=_GET_LINK, flags=DUMP)
    with NetlinkSocket(NETLINK_ROUTE) as netlink:
        answers = netlink.dump(request)
    links = [dict(attribute_list(body, _LINK_HEADER_BYTES)) for _, body in answers]
    return {_string(link[_IFNAME]): _string(link[_IFALIAS]) for link in links if _IFNAME in link and _IFALIAS in link}


def set_sysctls(values: Mapping[str, str]) -> None:
    """Write below /proc/sys/net of this thread's network namespace; what the kernel lacks is left out.

    Raises SyscallError.
    """
    for name, value in values.items():
        path = Path("/proc/sys/net", name)
        try:
            path.write_text(value)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SyscallError(error.errno or 0, "write", str(path)) from error


def _link(made: Attributes, *, index: int = 0, up: bool = False, kind: int = _NEW_LINK, flags: int = 0) -> bytes:
    built = ifinfmsg()
    built["index"] = index
    if up:
        built["flags"] = built["change"] = _UP
    built["attrs"] = made
    return _encoded(built, kind, flags)


def _peer(inner: object) -> dict[str, Sequence[object]]:
    return {"attrs": [("VETH_INFO_PEER", inner)]}


def _encoded(built: ifinfmsg | ifaddrmsg | rtmsg, kind: int, flags: int) -> bytes:
    built["header"]["type"] = kind
    built["header"]["flags"] = REQUEST | flags
    built.encode()
    return bytes(built.data)


def _family(version: int) -> int:
    return socket.AF_INET if version == 4 else socket.AF_INET6


def _string(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")
