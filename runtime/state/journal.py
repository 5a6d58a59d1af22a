"""The events table: written in the same transaction as the change it tells of."""

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace

from schemas.engine.events import EngineEvent

KEPT_EVENTS = 20_000
_PRUNE_EVERY = 1_000


def append(connection: sqlite3.Connection, event: EngineEvent) -> EngineEvent:
    """Record one event; return it with its time and place in the journal."""
    now = time.time_ns()
    cursor = connection.execute(
        "INSERT INTO events (time_ns, type, action, id, project, service, name, attributes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            now,
            event.type,
            event.action,
            event.id,
            event.project,
            event.service,
            event.name,
            json.dumps(event.attributes),
        ),
    )
    sequence = cursor.lastrowid or 0
    if sequence % _PRUNE_EVERY == 0:
        connection.execute("DELETE FROM events WHERE sequence <= ?", (sequence - KEPT_EVENTS,))
    return replace(event, sequence=sequence, time_ns=now)


def events(
    connection: sqlite3.Connection, project: str | None = None, *, since_ns: int = 0, until_ns: int = 0
) -> list[EngineEvent]:
    """Return what was recorded, oldest first; times in nanoseconds since the epoch, 0 for no bound."""
    rows = connection.execute(
        "SELECT type, action, id, project, service, name, attributes, sequence, time_ns FROM events"
        " WHERE (? IS NULL OR project = ?) AND time_ns >= ? AND (? = 0 OR time_ns <= ?) ORDER BY sequence",
        (project, project, since_ns, until_ns, until_ns),
    )
    return [
        EngineEvent(kind, action, identifier, owner, service, name, json.loads(attributes), sequence, time_ns)
        for kind, action, identifier, owner, service, name, attributes, sequence, time_ns in rows
    ]


def latest_ns(connection: sqlite3.Connection, kind: str, name: str, actions: Sequence[str]) -> int:
    """Return when one of some actions was last recorded of a name that belongs to no project; 0 for never."""
    marks = ",".join("?" * len(actions))
    row = connection.execute(
        f"SELECT max(time_ns) FROM events WHERE project = '' AND type = ? AND name = ? AND action IN ({marks})",  # noqa: S608 - question marks alone
        (kind, name, *actions),
    ).fetchone()
    return int(row[0] or 0)
