"""The volumes table and which containers use them.

A record's mountpoint is not stored: it follows from the name and the driver's options, so that a
state directory can be moved.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from runtime.errors import AlreadyExists, NotFound
from schemas.engine.codec import from_json, to_json
from schemas.engine.records import VolumeRecord
from schemas.engine.specs import VolumeSpec

_COLUMNS = "spec, created_ns, anonymous"
CONTENT = "_data"
"""Folder of a volume's content below the volume's own, as Docker calls it."""


def insert(connection: sqlite3.Connection, record: VolumeRecord) -> None:
    """Store a new volume. Raises AlreadyExists when its name is taken."""
    spec = record.spec
    try:
        connection.execute(
            "INSERT INTO volumes (name, project, spec, created_ns, anonymous) VALUES (?, ?, ?, ?, ?)",
            (spec.name, spec.project, to_json(spec), record.created_ns, int(record.anonymous)),
        )
    except sqlite3.IntegrityError as error:
        raise AlreadyExists(f"volume `{spec.name}` exists already") from error


def remove(connection: sqlite3.Connection, name: str) -> None:
    """Forget a volume that nothing uses. Raises NotFound."""
    if connection.execute("DELETE FROM volumes WHERE name = ?", (name,)).rowcount == 0:
        raise NotFound(f"no such volume: `{name}`")


def find(connection: sqlite3.Connection, root: Path, name: str) -> VolumeRecord:
    """Return one by name; `root` is Paths.volumes. Raises NotFound."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM volumes WHERE name = ?", (name,))  # noqa: S608 - a literal
    for record in _records(root, rows):
        return record
    raise NotFound(f"no such volume: `{name}`")


def all_of(connection: sqlite3.Connection, root: Path, project: str | None = None) -> list[VolumeRecord]:
    """Return a project's volumes, or all, ordered by name; `root` is Paths.volumes."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM volumes WHERE (? IS NULL OR project = ?) ORDER BY name",  # noqa: S608 - a literal
        (project, project),
    )
    return _records(root, rows)


def use(connection: sqlite3.Connection, container_id: str, volume: str, target: str, *, owned: bool = False) -> None:
    """Record that a container mounts a volume on `target`; `owned`: made for this container alone.

    Raises NotFound when the volume is gone.
    """
    cursor = connection.execute(
        "INSERT INTO volume_uses (container_id, volume, target, owned)"
        " SELECT ?, name, ?, ? FROM volumes WHERE name = ?",
        (container_id, target, int(owned), volume),
    )
    if cursor.rowcount == 0:
        raise NotFound(f"no such volume: `{volume}`")


def users(connection: sqlite3.Connection, name: str) -> list[str]:
    """Return the ids of the containers that mount a volume, running or not."""
    rows = connection.execute(
        "SELECT DISTINCT container_id FROM volume_uses WHERE volume = ? ORDER BY container_id", (name,)
    )
    return [container_id for (container_id,) in rows]


def mountpoint(root: Path, spec: VolumeSpec) -> str:
    """Return the absolute host path of a volume's content; `root` is Paths.volumes."""
    return spec.driver_options.get("device") or str(root / spec.name / CONTENT)


def _records(root: Path, rows: Iterable[tuple[str, int, int]]) -> list[VolumeRecord]:
    records = []
    for text, created_ns, anonymous in rows:
        spec = from_json(VolumeSpec, text)
        records.append(VolumeRecord(spec, created_ns, mountpoint(root, spec), bool(anonymous)))
    return records
