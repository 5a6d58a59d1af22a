"""The containers table and what hangs on it: endpoints, ports, volume uses.

Functions take a connection: inside `Database.transaction()` to change, `Database.read()` to look.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from runtime.errors import AlreadyExists, InvalidArgument, NotFound
from runtime.state import selection
from schemas.engine.codec import from_json, from_plain, to_json, to_plain
from schemas.engine.identifiers import ContainerID, ImageID
from schemas.engine.records import ContainerRecord, EndpointRecord, ProbeResult, PublishedPort
from schemas.engine.specs import ContainerSpec
from schemas.engine.status import ContainerStatus, HealthStatus

_COLUMNS = (
    "id, spec, image_id, created_ns, status, command, health, probes, pid, started_ns, finished_ns,"
    " exit_code, oom_killed, restart_count, error"
)
_CHANGEABLE = frozenset(
    {
        "status",
        "health",
        "probes",
        "pid",
        "pid_start_time",
        "boot_id",
        "started_ns",
        "finished_ns",
        "exit_code",
        "oom_killed",
        "restart_count",
        "manually_stopped",
        "error",
    }
)


def insert(connection: sqlite3.Connection, record: ContainerRecord) -> None:
    """Store a new container. Raises AlreadyExists when its name is taken."""
    spec = record.spec
    try:
        connection.execute(
            "INSERT INTO containers (id, name, project, service, spec, image_id, command, created_ns, status)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.id,
                spec.name,
                spec.project,
                spec.service,
                to_json(spec),
                record.image_id,
                json.dumps(record.command),
                record.created_ns,
                record.status.value,
            ),
        )
    except sqlite3.IntegrityError as error:
        raise AlreadyExists(f"the container name `{spec.name}` is already in use") from error


def change(connection: sqlite3.Connection, container_id: str, **columns: Any) -> None:
    """Set columns of one container. A status must be one that may follow the stored one.

    Raises NotFound, and InvalidArgument for a transition that cannot be.
    """
    if unknown := columns.keys() - _CHANGEABLE:
        raise InvalidArgument(f"not a column of a container: {sorted(unknown)}")
    if (status := columns.get("status")) is not None:
        _check_transition(connection, container_id, ContainerStatus(status))
    if "probes" in columns:
        columns["probes"] = json.dumps([to_plain(probe) for probe in columns["probes"]])
    names = ", ".join(f"{name} = ?" for name in columns)
    cursor = connection.execute(
        f"UPDATE containers SET {names} WHERE id = ?",  # noqa: S608 - names are of _CHANGEABLE
        (*columns.values(), container_id),
    )
    if cursor.rowcount == 0:
        raise NotFound(f"no such container: `{container_id}`")


def rename(connection: sqlite3.Connection, record: ContainerRecord, spec: ContainerSpec) -> None:
    """Store a spec that differs in its name (and labels). Raises AlreadyExists."""
    try:
        connection.execute(
            "UPDATE containers SET name = ?, spec = ? WHERE id = ?", (spec.name, to_json(spec), record.id)
        )
    except sqlite3.IntegrityError as error:
        raise AlreadyExists(f"the container name `{spec.name}` is already in use") from error


def remove(connection: sqlite3.Connection, container_id: str) -> None:
    """Forget a container and all that hangs on it."""
    for table in ("endpoints", "ports", "volume_uses"):
        connection.execute(f"DELETE FROM {table} WHERE container_id = ?", (container_id,))  # noqa: S608 - literals
    connection.execute("DELETE FROM containers WHERE id = ?", (container_id,))


def all_of(connection: sqlite3.Connection, project: str | None = None) -> list[ContainerRecord]:
    """Return a project's containers, or all, ordered by name."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM containers WHERE (? IS NULL OR project = ?) ORDER BY name",  # noqa: S608 - a literal
        (project, project),
    ).fetchall()
    return _records(connection, rows, project)


def live_projects(connection: sqlite3.Connection) -> list[str]:
    """Return the projects that have a container with a process, or one soon again, by the state."""
    rows = connection.execute(f"SELECT DISTINCT project FROM containers WHERE status IN {selection.LIVE}")  # noqa: S608 - a literal
    return sorted(project for (project,) in rows)


def find(connection: sqlite3.Connection, reference: str) -> ContainerRecord:
    """Return one by id, name, or the unambiguous beginning of an id. Raises NotFound, InvalidArgument."""
    rows = selection.by_reference(connection, "containers", _COLUMNS, reference)
    if not rows:
        raise NotFound(f"no such container: `{reference}`")
    if len(rows) > 1:
        raise InvalidArgument(f"several containers begin with `{reference}`", hint="give more digits, or the name")
    return _records(connection, rows, None, only=rows[0][0])[0]


def identity(connection: sqlite3.Connection, container_id: str) -> tuple[int, int, str]:
    """Return (pid, its start time in clock ticks, boot id): enough to know the process again."""
    row = connection.execute(
        "SELECT pid, pid_start_time, boot_id FROM containers WHERE id = ?", (container_id,)
    ).fetchone()
    if row is None:
        raise NotFound(f"no such container: `{container_id}`")
    return row[0], row[1], row[2]


def is_manually_stopped(connection: sqlite3.Connection, container_id: str) -> bool:
    """Whether a person stopped it, so that no restart policy brings it back."""
    row = connection.execute("SELECT manually_stopped FROM containers WHERE id = ?", (container_id,)).fetchone()
    return bool(row and row[0])


def _check_transition(connection: sqlite3.Connection, container_id: str, following: ContainerStatus) -> None:
    row = connection.execute("SELECT status FROM containers WHERE id = ?", (container_id,)).fetchone()
    if row is None:
        raise NotFound(f"no such container: `{container_id}`")
    current = ContainerStatus(row[0])
    if current is not following and not current.can_become(following):
        raise InvalidArgument(f"a container that is {current} cannot become {following}")


def _records(
    connection: sqlite3.Connection, rows: list[tuple[Any, ...]], project: str | None, *, only: str | None = None
) -> list[ContainerRecord]:
    if not rows:
        return []
    within, bounds = _within(project, only)
    endpoints = _grouped(
        connection.execute(f"SELECT container_id, record FROM endpoints WHERE {within} ORDER BY position", bounds)  # noqa: S608 - a literal
    )
    ports = _grouped(
        connection.execute(
            "SELECT container_id, host_ip, host_port, container_port, protocol FROM ports"  # noqa: S608 - a literal
            f" WHERE {within} ORDER BY container_port, protocol, host_ip, host_port",
            bounds,
        )
    )
    volumes = _grouped(
        connection.execute(
            f"SELECT container_id, volume, target, owned FROM volume_uses WHERE {within} ORDER BY target",  # noqa: S608 - a literal
            bounds,
        )
    )
    return [_record(row, endpoints.get(row[0], []), ports.get(row[0], []), volumes.get(row[0], [])) for row in rows]


def _within(project: str | None, only: str | None) -> tuple[str, tuple[str, ...]]:
    """Return a condition on `container_id`, one that an index answers, and its bounds."""
    if only is not None:
        return "container_id = ?", (only,)
    if project is not None:
        return "container_id IN (SELECT id FROM containers WHERE project = ?)", (project,)
    return "TRUE", ()


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    groups: dict[str, list[tuple[Any, ...]]] = {}
    for container_id, *rest in rows:
        groups.setdefault(container_id, []).append(tuple(rest))
    return groups


def _record(
    row: tuple[Any, ...],
    endpoints: list[tuple[Any, ...]],
    ports: list[tuple[Any, ...]],
    volumes: list[tuple[Any, ...]],
) -> ContainerRecord:
    return ContainerRecord(
        id=ContainerID(row[0]),
        spec=from_json(ContainerSpec, row[1]),
        image_id=ImageID(row[2]),
        created_ns=row[3],
        status=ContainerStatus(row[4]),
        command=tuple(json.loads(row[5])),
        health=HealthStatus(row[6]),
        probes=tuple(from_plain(ProbeResult, probe) for probe in json.loads(row[7])),
        pid=row[8],
        started_ns=row[9],
        finished_ns=row[10],
        exit_code=row[11],
        oom_killed=bool(row[12]),
        restart_count=row[13],
        error=row[14],
        endpoints=tuple(from_json(EndpointRecord, record) for (record,) in endpoints),
        ports=tuple(PublishedPort(*port) for port in ports),
        volumes=tuple(volume for volume, _, _ in volumes),
        anonymous_volumes=tuple((target, volume) for volume, target, owned in volumes if owned),
    )
