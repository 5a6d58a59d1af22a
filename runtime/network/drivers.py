"""Network drivers and their options, checked when a network is made.

Options are Docker's (`driver_opts`). Drivers: bridge, macvlan, and host and none, which are there
without being made.
"""

import fcntl
import socket
import struct
from pathlib import Path

from runtime.errors import InvalidArgument, Unsupported
from schemas.dataclass import dataclass
from schemas.engine.identifiers import NetworkID
from schemas.engine.specs import NetworkSpec

DEFAULT_NETWORK = "bridge"
"""The network of containers that name none; names do not resolve on it, as in Docker."""
BUILT_IN = frozenset({"host", "none"})
DRIVERS = frozenset({"bridge", "macvlan"})
DEFAULT_MTU = 1500

_BRIDGE = "com.docker.network.bridge."
_MTU = "com.docker.network.driver.mtu"
_BRIDGE_OPTIONS = frozenset({f"{_BRIDGE}{each}" for each in ("name", "enable_icc", "enable_ip_masquerade")} | {_MTU})
_MACVLAN_OPTIONS = frozenset({"parent", "macvlan_mode", "mode", _MTU})
_MACVLAN_MODES = frozenset({"private", "vepa", "bridge", "passthru"})
_HINTS = {
    "overlay": "overlay networks join several machines; pycompose runs on one: use the bridge driver",
    "ipvlan": "use the bridge or the macvlan driver",
}
_SIOCGIFMTU = 0x8921
_INTERFACE_LENGTH = 15
_DIGITS = 10
"""Of an id, in the names of links."""


@dataclass(frozen=True, slots=True)
class DriverOptions:
    """What `driver_opts` says, with the defaults filled in."""

    link: str
    """Name of the bridge; a macvlan's parent."""
    mtu: int
    masquerade: bool = True
    inter_container: bool = True
    mode: str = "bridge"


def options_of(spec: NetworkSpec, network_id: NetworkID) -> DriverOptions:
    """Return the options of a network. Raises Unsupported for a driver or option, InvalidArgument for a value."""
    if spec.driver not in DRIVERS:
        raise Unsupported(
            f"network `{spec.name}`: driver `{spec.driver}` is not supported", hint=_HINTS.get(spec.driver, "")
        )
    known = _BRIDGE_OPTIONS if spec.driver == "bridge" else _MACVLAN_OPTIONS
    if unknown := sorted(spec.driver_options.keys() - known):
        raise Unsupported(
            f"network `{spec.name}`: driver option `{unknown[0]}` is not supported",
            hint=f"the {spec.driver} driver knows {', '.join(sorted(known))}",
        )
    options = spec.driver_options
    mtu = _mtu(spec.name, options[_MTU]) if _MTU in options else _default_mtu()
    if spec.driver == "macvlan":
        return _macvlan(spec, mtu)
    return DriverOptions(
        link=interface_name(spec.name, options.get(f"{_BRIDGE}name", "")) or bridge_name(network_id),
        mtu=mtu,
        masquerade=_boolean(options.get(f"{_BRIDGE}enable_ip_masquerade", "true")),
        inter_container=_boolean(options.get(f"{_BRIDGE}enable_icc", "true")),
    )


def bridge_name(network_id: str) -> str:
    """Return the name of a network's bridge."""
    return f"pc-{network_id[:_DIGITS]}"


def veth_name(container_id: str, position: int) -> str:
    """Return the name of the host's end of a container's interface."""
    return f"pv{container_id[:_DIGITS]}{position}"


def mac_address(seed: str) -> str:
    """Return a local unicast address that `seed` (hexadecimal digits) decides, so that it is stable."""
    return ":".join(("02", *(seed[start : start + 2] for start in range(0, _DIGITS, 2))))


def _macvlan(spec: NetworkSpec, mtu: int) -> DriverOptions:
    parent = spec.driver_options.get("parent", "")
    if not parent:
        raise Unsupported(
            f"network `{spec.name}`: macvlan without a parent is not supported",
            hint="name an interface of the host: driver_opts: {parent: eth0}",
        )
    mode = spec.driver_options.get("macvlan_mode", spec.driver_options.get("mode", "bridge"))
    if mode not in _MACVLAN_MODES:
        raise InvalidArgument(f"network `{spec.name}`: unknown macvlan mode `{mode}`")
    return DriverOptions(link=interface_name(spec.name, parent), mtu=mtu, mode=mode)


def interface_name(network: str, name: str) -> str:
    """Return a name that an interface of a network can have. Raises InvalidArgument for any other."""
    odd = any(each in "/ \t\n\0:" or not each.isprintable() for each in name)
    if odd or name in {".", ".."} or len(name) > _INTERFACE_LENGTH:
        raise InvalidArgument(f"network `{network}`: `{name}` is no interface name", hint="15 characters at most")
    return name


def _mtu(network: str, value: str) -> int:
    if not (value.isdecimal() and 68 <= int(value) <= 65535):
        raise InvalidArgument(f"network `{network}`: invalid MTU `{value}`", hint="68 to 65535")
    return int(value)


def _boolean(value: str) -> bool:
    if value.lower() in {"true", "1", "t"}:
        return True
    if value.lower() in {"false", "0", "f"}:
        return False
    raise InvalidArgument(f"`{value}` is neither true nor false")


def _default_mtu() -> int:
    """Return 1500, or less where the default route has less (VPN, cloud): larger packets would vanish."""
    try:
        lines = Path("/proc/net/route").read_text().splitlines()[1:]
    except OSError:
        return DEFAULT_MTU
    names = [columns[0] for columns in map(str.split, lines) if columns[1] == columns[7] == "00000000"]
    return min([DEFAULT_MTU, *map(_mtu_of, names)])


def _mtu_of(interface: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe, _SIOCGIFMTU, struct.pack("16s16x", interface.encode()))
        except OSError:
            return DEFAULT_MTU
    (mtu,) = struct.unpack_from("=16xi", answer)
    return int(mtu)
