"""What several tables are asked in the same words."""

import sqlite3
from typing import Any

from schemas.engine.status import ContainerStatus

LIVE = "({})".format(", ".join(f"'{status.value}'" for status in ContainerStatus if status.is_live))
"""The statuses of a container that has a process, or one soon again: what stands after `status IN`."""

_DIGITS = frozenset("0123456789abcdef")


def by_reference(connection: sqlite3.Connection, table: str, columns: str, reference: str) -> list[tuple[Any, ...]]:
    """Return the row with this id or name, else up to two whose id begins so. `table` has `id` and `name`."""
    rows = connection.execute(
        f"SELECT {columns} FROM {table} WHERE id = ? OR name = ?",  # noqa: S608 - the callers' literals
        (reference, reference),
    ).fetchall()
    if not rows and reference and _DIGITS.issuperset(reference):
        rows = connection.execute(
            f"SELECT {columns} FROM {table} WHERE substr(id, 1, ?) = ? LIMIT 2",  # noqa: S608 - as above
            (len(reference), reference),
        ).fetchall()
    return rows
