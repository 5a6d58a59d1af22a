"""Publishing a container's ports: reserve, record, and know who is in the way.

Order: bind first, then record. A bound socket proves that nobody holds the port, so a row that still
claims it is of a container that ended; a bind that fails is explained by the row or by the process.
"""

import os
import sqlite3
from collections.abc import Collection, Sequence

from runtime.network import portmap
from runtime.network.portmap import PortTaken
from runtime.state import networks
from schemas.engine.records import PublishedPort
from schemas.engine.specs import PortBinding


def reserve_all(
    connection: sqlite3.Connection, container_id: str, bindings: Sequence[PortBinding], *, ipv6: bool
) -> tuple[list[PublishedPort], list[int]]:
    """Reserve every binding of a container; return what is published and the descriptors that hold it.

    What the container itself holds from before (its supervisor has the sockets) is published again
    without a descriptor. Raises PortTaken with the holder as a hint; then nothing is held.
    """
    before = networks.ports_of(connection, container_id)
    published: list[PublishedPort] = []
    descriptors: list[int] = []
    try:
        for binding in bindings:
            ports, held = _reserve(connection, binding, ipv6=ipv6, before=before)
            published += ports
            descriptors += held
    except BaseException:
        release(descriptors)
        raise
    return published, descriptors


def release(descriptors: Sequence[int]) -> None:
    """Give ports back."""
    for descriptor in descriptors:
        os.close(descriptor)


def check(
    connection: sqlite3.Connection, bindings: Sequence[tuple[str, PortBinding]], ignored: Collection[str]
) -> None:
    """Raise PortTaken for the first fixed port that cannot be had.

    `ignored` are the ids of containers that will give theirs up. Two containers of the plan that want
    the same port are a conflict too.
    """
    planned: list[tuple[str, PortBinding]] = []
    for name, binding in bindings:
        if binding.host_port == 0 or binding.host_port_end > binding.host_port:
            continue
        for other, earlier in planned:
            same = (earlier.protocol, earlier.host_port) == (binding.protocol, binding.host_port)
            if same and portmap.overlap(earlier.host_ip, binding.host_ip):
                raise _taken(binding, f"`{other}` is to publish it as well as `{name}`")
        planned.append((name, binding))
        _check_one(connection, binding, ignored)


def explained(connection: sqlite3.Connection, error: PortTaken) -> PortTaken:
    """Return the error with a hint that names the holder."""
    return PortTaken(error.protocol, error.host_ip, error.port, hint=_holder(connection, error))


def claimants(connection: sqlite3.Connection, container_id: str, ports: Sequence[PublishedPort]) -> list[str]:
    """Return the other containers (ids) whose rows claim ports that were just bound: they have ended."""
    found = {}
    for port in ports:
        for holder, _, host_ip in networks.port_holders(connection, port.protocol, port.host_port):
            if holder != container_id and portmap.overlap(host_ip, port.host_ip):
                found[holder] = True
    return list(found)


def _reserve(
    connection: sqlite3.Connection,
    binding: PortBinding,
    *,
    ipv6: bool,
    before: Sequence[PublishedPort],
) -> tuple[list[PublishedPort], list[int]]:
    addresses = portmap.addresses_of(binding, ipv6=ipv6)
    try:
        return portmap.reserve(binding, addresses)
    except PortTaken as error:
        own = [
            port
            for port in before
            if port.host_ip in addresses
            and (port.container_port, port.protocol) == (binding.container_port, binding.protocol)
            and binding.host_port <= port.host_port <= max(binding.host_port, binding.host_port_end)
        ]
        if own:
            return own, []
        raise explained(connection, error) from error


def _check_one(connection: sqlite3.Connection, binding: PortBinding, ignored: Collection[str]) -> None:
    holders = networks.port_holders(connection, binding.protocol, binding.host_port)
    holders = [each for each in holders if portmap.overlap(each[2], binding.host_ip)]
    if any(container_id in ignored for container_id, _, _ in holders):
        return
    for address in portmap.addresses_of(binding, ipv6=":" in binding.host_ip):
        try:
            held = portmap.bind(binding.protocol, address, binding.host_port)
        except PortTaken as error:
            raise explained(connection, error) from error
        if held is not None:
            held.close()


def _taken(binding: PortBinding, hint: str) -> PortTaken:
    return PortTaken(binding.protocol, binding.host_ip or portmap.ANY_IPV4, binding.host_port, hint=hint)


def _holder(connection: sqlite3.Connection, error: PortTaken) -> str:
    for _, name, host_ip in networks.port_holders(connection, error.protocol, error.port):
        if portmap.overlap(host_ip, error.host_ip):
            return f"container `{name}` publishes it"
    pid, name = portmap.holder(error.protocol, error.port)
    return f"process `{name}` (pid {pid}) listens on it" if pid else "another process listens on it"
