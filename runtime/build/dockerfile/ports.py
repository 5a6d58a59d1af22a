"""EXPOSE: `port[-port][/protocol]` (BuildKit, dockerfile2llb/convert_expose.go)."""

import ipaddress
import re

MAX_PORT = 65535
_RANGE = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?", re.ASCII)
_PROTOCOLS = ("tcp", "udp", "sctp")


def parse_ports(text: str) -> tuple[str, ...]:
    """Return the ports of one word as `80/tcp`. Raises ValueError."""
    address, host, port = split_mapping(text)
    number, _, protocol = port.partition("/")
    if not number:
        raise ValueError(f"invalid port `{text}`: no port specified")
    if protocol and protocol.lower() not in _PROTOCOLS:
        raise ValueError(f"invalid port `{text}`: invalid protocol `{protocol}`, known are {', '.join(_PROTOCOLS)}")
    if address:
        _check_address(address)
    first, last = _range(number, "container port")
    if host:
        host_first, host_last = _range(host, "host port")
        if last != first and last - first != host_last - host_first:
            raise ValueError(f"invalid ranges specified for container and host ports: `{number}` and `{host}`")
    return tuple(f"{port}/{protocol.lower() or 'tcp'}" for port in range(first, last + 1))


def split_mapping(text: str) -> tuple[str, str, str]:
    """Return address, host port and container port with its protocol; the first two mean nothing to an image."""
    *rest, port = text.split(":")
    host = rest.pop() if rest else ""
    return ":".join(rest), host, port


def _check_address(address: str) -> None:
    bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        raise ValueError(f"invalid IP address: `{address}`") from None


def _range(text: str, what: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if not 0 <= first <= last <= MAX_PORT:
        raise ValueError(f"invalid {what}: `{text}`")
    return first, last
