"""What a command is about to make or remove, recorded before it does.

A row that is still there when the project's lock is free belongs to a command that died: whoever
takes the lock next finishes or undoes it (runtime.container.recovery).
"""

import json
import sqlite3
import time

from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing begun and perhaps not finished."""

    id: int
    action: str
    subject: str
    detail: dict[str, list[str]]


def begin(
    connection: sqlite3.Connection,
    project: str,
    action: str,
    subject: str,
    detail: dict[str, list[str]] | None = None,
) -> int:
    """Record an intent; return its number for `finish`."""
    cursor = connection.execute(
        "INSERT INTO intents (project, action, subject, detail, created_ns) VALUES (?, ?, ?, ?, ?)",
        (project, action, subject, json.dumps(detail or {}), time.time_ns()),
    )
    return cursor.lastrowid or 0


def finish(connection: sqlite3.Connection, intent_id: int) -> None:
    """Forget an intent: it is done, or undone. Idempotent."""
    connection.execute("DELETE FROM intents WHERE id = ?", (intent_id,))


def of_project(connection: sqlite3.Connection, project: str) -> list[Intent]:
    """Return what is recorded for a project, oldest first."""
    rows = connection.execute(
        "SELECT id, action, subject, detail FROM intents WHERE project = ? ORDER BY id", (project,)
    ).fetchall()
    return [Intent(number, action, subject, json.loads(detail)) for number, action, subject, detail in rows]
