"""Host ports: reserving them, and saying who holds one that is taken.

A published port needs no process, but it is bound and listened on all the same: so the kernel keeps
others from it, and says when it is taken. A filter that returns 0 (socket(7), SO_ATTACH_FILTER), put
on before the bind, lets nothing in. The sockets are held by the project's supervisor.
"""

import ctypes
import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from runtime.errors import Conflict, EngineError, InvalidArgument, PermissionDenied, Unsupported
from schemas.engine.records import PublishedPort
from schemas.engine.specs import PortBinding

ANY_IPV4, ANY_IPV6 = "0.0.0.0", "::"  # noqa: S104 - publishing on every address is what `ports:` asks for
_SO_ATTACH_FILTER = 26
_BPF_RETURN = 0x06
_SCTP = 132
_RANDOM_ATTEMPTS = 10
_LISTEN, _UDP_BOUND = "0A", "07"
_PROC = Path("/proc")


class PortTaken(Conflict):
    """Somebody holds a port; `protocol`, `host_ip` and `port` say which."""

    def __init__(self, protocol: str, host_ip: str, port: int, *, hint: str = "") -> None:
        super().__init__(f"Bind for {_shown(host_ip)}:{port} failed: port is already allocated", hint=hint)
        self.protocol = protocol
        self.host_ip = host_ip
        self.port = port


def addresses_of(binding: PortBinding, *, ipv6: bool) -> tuple[str, ...]:
    """Return the host addresses a binding is for. `ipv6`: whether the container has such an address.

    Raises Unsupported for a host address of IPv6 where it has not: that would need a relay.
    """
    if not binding.host_ip:
        return (ANY_IPV4, ANY_IPV6) if ipv6 else (ANY_IPV4,)
    try:
        address = ipaddress.ip_address(binding.host_ip.strip("[]"))
    except ValueError as error:
        raise InvalidArgument(f"`{binding.host_ip}` is not an IP address to publish a port on") from error
    if address.version == 6 and not ipv6:
        raise Unsupported(
            f"port {binding.container_port} cannot be published on `{address}`: the container has no IPv6 address",
            hint="set enable_ipv6 on its network, or publish on an IPv4 address",
        )
    return (str(address),)


def reserve(binding: PortBinding, addresses: Sequence[str]) -> tuple[list[PublishedPort], list[int]]:
    """Reserve one port of the host, the same on each of these addresses.

    Returns what was published and the descriptors that hold it. A random or ranged port is the first
    that is free. Raises PortTaken, PermissionDenied, InvalidArgument.
    """
    failure: EngineError | None = None
    for candidate in _candidates(binding):
        try:
            return _reserve_on(binding, addresses, candidate)
        except PortTaken as error:
            failure = error
    if failure is None:
        raise InvalidArgument(f"no host port for container port {binding.container_port}")
    raise failure


def bind(protocol: str, host_ip: str, port: int) -> socket.socket | None:
    """Return a socket that holds a port and receives nothing; None where the kernel lacks the protocol.

    Port 0 lets the kernel choose. Raises PortTaken, PermissionDenied, InvalidArgument.
    """
    family = socket.AF_INET6 if ":" in host_ip else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    try:
        held = socket.socket(family, kind | socket.SOCK_CLOEXEC, _SCTP if protocol == "sctp" else 0)
    except OSError as error:
        if protocol == "sctp" and error.errno in {errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT}:
            return None
        raise
    try:
        _refuse_everything(held)
        if family == socket.AF_INET6:
            held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            # Connections of the port's last holder may linger; that is no reason to wait.
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host_ip, port))
        if kind == socket.SOCK_STREAM:
            held.listen(1)
    except OSError as error:
        held.close()
        raise _explained(error, protocol, host_ip, port) from error
    return held


def holder(protocol: str, port: int) -> tuple[int, str]:
    """Return (pid, name) of a process that has a port of this host bound; (0, "") when none is found."""
    inodes = set(_bound_inodes(protocol, port))
    if not inodes:
        return 0, ""
    targets = {f"socket:[{inode}]" for inode in inodes}
    for process in _PROC.iterdir():
        if process.name.isdecimal() and _has_open(process / "fd", targets):
            try:
                return int(process.name), (process / "comm").read_text().strip()
            except OSError:
                continue
    return 0, ""


def overlap(one: str, other: str) -> bool:
    """Whether two host addresses cannot both have the same port."""
    if one == other:
        return True
    first, second = ipaddress.ip_address(one or ANY_IPV4), ipaddress.ip_address(other or ANY_IPV4)
    return first.version == second.version and (first.is_unspecified or second.is_unspecified)


def _candidates(binding: PortBinding) -> Iterable[int]:
    if binding.host_port == 0:
        return (0,) * _RANDOM_ATTEMPTS
    return range(binding.host_port, max(binding.host_port, binding.host_port_end) + 1)


def _reserve_on(
    binding: PortBinding, addresses: Sequence[str], candidate: int
) -> tuple[list[PublishedPort], list[int]]:
    port = candidate
    published: list[PublishedPort] = []
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            held = bind(binding.protocol, address, port)
            if held is not None:
                sockets.append(held)
                port = held.getsockname()[1]
            elif port == 0:
                raise Unsupported(f"a random host port for {binding.protocol} is not supported by this kernel")
            published.append(PublishedPort(address, port, binding.container_port, binding.protocol))
    except BaseException:
        for held in sockets:
            held.close()
        raise
    return published, [held.detach() for held in sockets]


def _refuse_everything(held: socket.socket) -> None:
    instruction = ctypes.create_string_buffer(struct.pack("=HBBI", _BPF_RETURN, 0, 0, 0))
    held.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", 1, ctypes.addressof(instruction)))


def _explained(error: OSError, protocol: str, host_ip: str, port: int) -> EngineError:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(protocol, host_ip, port)
    where = f"{_shown(host_ip)}:{port}"
    if error.errno == errno.EADDRNOTAVAIL:
        return InvalidArgument(f"cannot publish on {where}: the host has no such address")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return PermissionDenied(f"cannot publish on {where}: permission denied", hint="ports below 1024 need root")
    return Conflict(f"cannot publish on {where}: {os.strerror(error.errno or 0)}")


def _bound_inodes(protocol: str, port: int) -> Iterator[str]:
    state = _UDP_BOUND if protocol == "udp" else _LISTEN
    for name in (protocol, f"{protocol}6"):
        try:
            lines = (_PROC / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == state and int(columns[1].rpartition(":")[2], 16) == port:
                yield columns[9]


def _has_open(folder: Path, targets: set[str]) -> bool:
    try:
        return any(os.readlink(f"{folder}/{each}") in targets for each in os.listdir(folder))  # noqa: PTH115, PTH208 - thousands
    except OSError:
        return False


def _shown(host_ip: str) -> str:
    return f"[{host_ip}]" if ":" in host_ip else host_ip
