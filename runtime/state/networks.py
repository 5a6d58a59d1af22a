"""The tables of networks, of endpoints on them, and of published ports.

Functions take a connection: inside `Database.transaction()` to change, `Database.read()` to look.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runtime.errors import AlreadyExists, Conflict, InvalidArgument, NotFound
from runtime.state import selection
from schemas.engine.codec import from_json, to_json
from schemas.engine.identifiers import NetworkID
from schemas.engine.records import EndpointRecord, NetworkRecord, PublishedPort
from schemas.engine.specs import NetworkSpec

_COLUMNS = "id, spec, created_ns, bridge, subnet, gateway, ipv6_subnet, ipv6_gateway"


def insert(connection: sqlite3.Connection, record: NetworkRecord) -> None:
    """Store a new network. Raises AlreadyExists when its name is taken."""
    try:
        connection.execute(
            "INSERT INTO networks (id, name, project, spec, created_ns, bridge, subnet, gateway, ipv6_subnet,"
            " ipv6_gateway) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.id,
                record.name,
                record.spec.project,
                to_json(record.spec),
                record.created_ns,
                record.bridge,
                record.subnet,
                record.gateway,
                record.ipv6_subnet,
                record.ipv6_gateway,
            ),
        )
    except sqlite3.IntegrityError as error:
        raise AlreadyExists(f"a network named `{record.name}` already exists") from error


def all_of(connection: sqlite3.Connection, project: str | None = None) -> list[NetworkRecord]:
    """Return a project's networks, or all, ordered by name."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM networks WHERE (? IS NULL OR project = ?) ORDER BY name",  # noqa: S608 - a literal
        (project, project),
    )
    return [_record(row) for row in rows]


def named(connection: sqlite3.Connection, name: str) -> NetworkRecord | None:
    """Return the network of exactly this name, or None."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM networks WHERE name = ?",  # noqa: S608 - a literal
        (name,),
    ).fetchone()
    return None if row is None else _record(row)


def find(connection: sqlite3.Connection, reference: str) -> NetworkRecord:
    """Return one by id, name, or the unambiguous beginning of an id. Raises NotFound, InvalidArgument."""
    rows = selection.by_reference(connection, "networks", _COLUMNS, reference)
    if not rows:
        raise NotFound(f"network `{reference}` not found")
    if len(rows) > 1:
        raise InvalidArgument(f"several networks begin with `{reference}`", hint="give more digits, or the name")
    return _record(rows[0])


def remove(connection: sqlite3.Connection, network_id: str) -> None:
    """Forget a network, and the places that ended containers had on it. Idempotent."""
    connection.execute("DELETE FROM endpoints WHERE network_id = ?", (network_id,))
    connection.execute("DELETE FROM networks WHERE id = ?", (network_id,))


def users(connection: sqlite3.Connection, network_id: str) -> list[tuple[str, str]]:
    """Return (name, id) of the containers that stand on a network and run, or will again by themselves."""
    rows = connection.execute(
        "SELECT containers.name, containers.id FROM endpoints JOIN containers ON containers.id = container_id"  # noqa: S608 - a literal
        f" WHERE network_id = ? AND status IN {selection.LIVE} ORDER BY containers.name",
        (network_id,),
    )
    return [(name, container_id) for name, container_id in rows]


def subnets(connection: sqlite3.Connection) -> list[str]:
    """Return the subnets of all networks, IPv4 and IPv6."""
    rows = connection.execute("SELECT subnet, ipv6_subnet FROM networks")
    return [subnet for row in rows for subnet in row if subnet]


def addresses(connection: sqlite3.Connection, network_id: str) -> list[tuple[str, str]]:
    """Return (IPv4, IPv6 or empty) of the endpoints on a network, the newest last."""
    rows = connection.execute(
        "SELECT ipv4_address, ipv6_address FROM endpoints WHERE network_id = ? ORDER BY rowid", (network_id,)
    )
    return [(ipv4, ipv6) for ipv4, ipv6 in rows]


def insert_endpoint(connection: sqlite3.Connection, container_id: str, position: int, record: EndpointRecord) -> None:
    """Store a container's place on a network. Raises Conflict when an address is taken."""
    try:
        connection.execute(
            "INSERT INTO endpoints (container_id, network_id, position, ipv4_address, ipv6_address, record)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (container_id, record.network_id, position, record.ipv4_address, record.ipv6_address, to_json(record)),
        )
    except sqlite3.IntegrityError as error:
        raise Conflict(f"address `{record.ipv4_address}` is already in use on network `{record.network}`") from error


def endpoints(connection: sqlite3.Connection, container_id: str) -> list[EndpointRecord]:
    """Return a container's endpoints in the order of its interfaces."""
    rows = connection.execute("SELECT record FROM endpoints WHERE container_id = ? ORDER BY position", (container_id,))
    return [from_json(EndpointRecord, record) for (record,) in rows]


def rename_container(connection: sqlite3.Connection, container_id: str, old: str, new: str) -> None:
    """Have a container answer to its new name in place of its old one, from its next start on."""
    for position, record in enumerate(endpoints(connection, container_id)):
        names = tuple(dict.fromkeys(new if name == old else name for name in record.names))
        connection.execute(
            "UPDATE endpoints SET record = ? WHERE container_id = ? AND position = ?",
            (to_json(replace(record, names=names)), container_id, position),
        )


def running_endpoints(
    connection: sqlite3.Connection, network_ids: Sequence[str], *, except_project: str
) -> list[tuple[str, EndpointRecord]]:
    """Return (container id, endpoint) of the live containers of other projects on these networks."""
    marks = ", ".join("?" * len(network_ids))
    rows = connection.execute(
        "SELECT containers.id, endpoints.record FROM endpoints JOIN containers ON containers.id = container_id"  # noqa: S608 - marks and a literal
        f" WHERE network_id IN ({marks}) AND containers.status IN {selection.LIVE} AND containers.project != ?",
        (*network_ids, except_project),
    )
    return [(container_id, from_json(EndpointRecord, record)) for container_id, record in rows]


def insert_ports(connection: sqlite3.Connection, container_id: str, ports: Sequence[PublishedPort]) -> None:
    """Store published ports. Raises Conflict when one is taken."""
    for port in ports:
        try:
            connection.execute(
                "INSERT INTO ports (container_id, protocol, host_ip, host_port, container_port) VALUES (?, ?, ?, ?, ?)",
                (container_id, port.protocol, port.host_ip, port.host_port, port.container_port),
            )
        except sqlite3.IntegrityError as error:
            raise Conflict(f"Bind for {port.host_ip}:{port.host_port} failed: port is already allocated") from error


def remove_ports(connection: sqlite3.Connection, container_id: str) -> bool:
    """Forget a container's published ports; return whether it had any."""
    return connection.execute("DELETE FROM ports WHERE container_id = ?", (container_id,)).rowcount > 0


def ports_of(connection: sqlite3.Connection, container_id: str) -> list[PublishedPort]:
    """Return the published ports of a container."""
    rows = connection.execute(
        "SELECT host_ip, host_port, container_port, protocol FROM ports WHERE container_id = ?"
        " ORDER BY container_port, protocol, host_ip, host_port",
        (container_id,),
    )
    return [PublishedPort(*row) for row in rows]


def ports_of_project(connection: sqlite3.Connection, project: str) -> dict[str, list[PublishedPort]]:
    """Return the published ports of a project's containers, by container id."""
    rows = connection.execute(
        "SELECT container_id, host_ip, host_port, container_port, ports.protocol FROM ports"
        " JOIN containers ON containers.id = container_id WHERE project = ?"
        " ORDER BY containers.name, container_port, ports.protocol, host_ip, host_port",
        (project,),
    )
    found: dict[str, list[PublishedPort]] = {}
    for container_id, *port in rows:
        found.setdefault(container_id, []).append(PublishedPort(*port))
    return found


def port_holders(connection: sqlite3.Connection, protocol: str, host_port: int) -> list[tuple[str, str, str]]:
    """Return (container id, container name, host address) of the containers that publish a port of the host."""
    rows = connection.execute(
        "SELECT containers.id, containers.name, host_ip FROM ports JOIN containers ON containers.id = container_id"
        " WHERE protocol = ? AND host_port = ?",
        (protocol, host_port),
    )
    return [(container_id, name, host_ip) for container_id, name, host_ip in rows]


def _record(row: tuple[Any, ...]) -> NetworkRecord:
    return NetworkRecord(
        id=NetworkID(row[0]),
        spec=from_json(NetworkSpec, row[1]),
        created_ns=row[2],
        bridge=row[3],
        subnet=row[4],
        gateway=row[5],
        ipv6_subnet=row[6],
        ipv6_gateway=row[7],
    )
