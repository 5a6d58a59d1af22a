"""The short syntax of ports: `[[ip:]host[-range]:]container[-range][/protocol]`.

Source: compose-spec, 05-services.md, ports; docker/go-connections, nat.ParsePortSpec.
"""

import ipaddress
import re

from compose.loader.problem import Path, Problem
from compose.loader.tree_path import Tree

MAX_PORTS = 1 << 16
"""Ports of all services of a project: a range of all there are, once."""

_ENDS = re.compile("([0-9]{1,5})-([0-9]{1,5})(?:/.*)?")

_PROTOCOLS = ("tcp", "udp", "sctp")


def parse_port(spec: str, path: Path = ()) -> list[Tree]:
    """One entry a container port, in the long syntax, sorted by port. Raises Problem."""
    try:
        return sorted(_entries(spec), key=lambda entry: str(entry["target"]))
    except ValueError as error:
        hint = "expected `[[ip:]host:]container[/protocol]`"
        raise Problem(str(error), path, needle=spec, hint=hint) from None


def port_count(spec: object) -> int:
    """How many entries parse_port makes of what stands in a list of ports, without making them."""
    ends = _ENDS.fullmatch(spec.rpartition(":")[2]) if isinstance(spec, str) else None
    return max(1, int(ends[2]) - int(ends[1]) + 1) if ends else 1


def _entries(spec: str) -> list[Tree]:
    ip, host, container = _split(spec)
    ports, _, protocol = container.partition("/")
    if not ports:
        raise ValueError(f"No port specified: {spec}<empty>")
    first, last = _range(ports, "containerPort")
    host_first, host_last = _range(host, "hostPort") if host else (0, 0)
    if host and first != last and host_last - host_first != last - first:
        raise ValueError(f"Invalid ranges specified for container and host Ports: {ports} and {host}")
    protocol = protocol.partition("/")[0] or "tcp"
    if protocol.lower() not in _PROTOCOLS:
        raise ValueError(f"Invalid proto: {protocol}")
    entries: list[Tree] = []
    for offset in range(last - first + 1):
        entry: Tree = {"mode": "ingress", "target": first + offset, "protocol": protocol.lower()}
        if host:
            choice = host_first != host_last and first == last
            entry["published"] = f"{host_first}-{host_last}" if choice else str(host_first + offset)
        if ip:
            entry["host_ip"] = ip
        entries.append(entry)
    return entries


def _split(spec: str) -> tuple[str, str, str]:
    parts = spec.split(":")
    container = parts.pop()
    host = parts.pop() if parts else ""
    ip = ":".join(parts)
    if ip.startswith("["):
        if not ip.endswith("]"):
            raise ValueError(f"Invalid ip address {ip}: missing `]` in address")
        ip = ip[1:-1]
    elif ip.count(":"):
        raise ValueError(f"Invalid ip address {ip}: address {ip}:: too many colons in address")
    if ip:
        try:
            ipaddress.ip_address(ip)
        except ValueError:
            raise ValueError(f"Invalid ip address: {ip}") from None
    return ip, host, container


def _range(text: str, what: str) -> tuple[int, int]:
    first, separator, rest = text.partition("-")
    last = rest.split("-")[0] if separator else first
    if not (_is_port(first) and _is_port(last)) or int(last) < int(first):
        raise ValueError(f"Invalid {what}: {text}")
    return int(first), int(last)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) < 1 << 16
