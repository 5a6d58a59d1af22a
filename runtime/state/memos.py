"""A note that a caller leaves with a project, good for as long as nothing of the project changes.

What is compared is everything that a second look at the project could see differently: its containers (all
must run), networks and volumes, and the names of images.
"""

import sqlite3

from schemas.engine.status import ContainerStatus


def remember(connection: sqlite3.Connection, project: str, text: str) -> None:
    """Keep a text with the project's present state, in place of an earlier one."""
    connection.execute(
        "INSERT OR REPLACE INTO memos (project, state, text) VALUES (?, ?, ?)",
        (project, _state(connection, project), text),
    )


def recall(connection: sqlite3.Connection, project: str) -> str | None:
    """Return the text if the project's state is what it was; None if it is not, or nothing was kept."""
    row = connection.execute("SELECT state, text FROM memos WHERE project = ?", (project,)).fetchone()
    if row is None or not row[0] or row[0] != _state(connection, project):
        return None
    text: str = row[1]
    return text


def _state(connection: sqlite3.Connection, project: str) -> str:
    """Describe the project's state; empty when a container of it does not simply run."""
    containers = connection.execute(
        "SELECT id, name, status FROM containers WHERE project = ? ORDER BY id", (project,)
    ).fetchall()
    if not containers or any(status != ContainerStatus.RUNNING.value for _, _, status in containers):
        return ""
    networks = connection.execute("SELECT id FROM networks WHERE project = ? ORDER BY id", (project,)).fetchall()
    volumes = connection.execute(
        "SELECT name, created_ns FROM volumes WHERE project = ? ORDER BY name", (project,)
    ).fetchall()
    images = connection.execute("SELECT max(sequence) FROM events WHERE type = 'image'").fetchall()
    return repr((containers, networks, volumes, images))
