"""What builds remember: which step made which layer, and the digests of files that were read.

A step is found by its key alone, which is a digest of all it depends on. A layer made since the machine was started
may not be on the disk yet: until `settle` its row counts in this boot only.
"""

import sqlite3
import time
from collections.abc import Iterable


def find_step(connection: sqlite3.Connection, key: str, boot_id: str) -> tuple[str, int] | None:
    """Return (DiffID, bytes of its files) of the layer that a step made."""
    row = connection.execute(
        "SELECT diff_id, size_bytes FROM build_steps WHERE key = ? AND boot_id IN ('', ?)", (key, boot_id)
    ).fetchone()
    return None if row is None else (row[0], row[1])


def insert_step(connection: sqlite3.Connection, key: str, diff_id: str, size_bytes: int, boot_id: str) -> None:
    """Remember a step, in the place of what was remembered of it."""
    connection.execute(
        "INSERT OR REPLACE INTO build_steps (key, diff_id, size_bytes, boot_id, used_ns) VALUES (?, ?, ?, ?, ?)",
        (key, diff_id, size_bytes, boot_id, time.time_ns()),
    )


def touch_steps(connection: sqlite3.Connection, keys: Iterable[str]) -> None:
    """Say that steps were of use: those that were not go first."""
    now = time.time_ns()
    connection.executemany("UPDATE build_steps SET used_ns = ? WHERE key = ?", [(now, key) for key in keys])


def untouched_steps(connection: sqlite3.Connection, keys: Iterable[str], before_ns: int) -> list[str]:
    """Return those of the steps that were last of use before a moment, in nanoseconds since 1970."""
    rows = (
        connection.execute("SELECT key FROM build_steps WHERE key = ? AND used_ns < ?", (key, before_ns)).fetchone()
        for key in keys
    )
    return [str(row[0]) for row in rows if row]


def settle(connection: sqlite3.Connection, boot_id: str) -> None:
    """Let the steps of this boot count for ever: their layers are on the disk. Those of earlier ones are forgotten."""
    connection.execute("UPDATE build_steps SET boot_id = '' WHERE boot_id = ?", (boot_id,))
    connection.execute("DELETE FROM build_steps WHERE boot_id != ''")


def steps(connection: sqlite3.Connection) -> list[tuple[str, str, int, int]]:
    """Return (key, DiffID, bytes, used at in ns) of every step, the longest unused first."""
    rows = connection.execute("SELECT key, diff_id, size_bytes, used_ns FROM build_steps ORDER BY used_ns, key")
    return [(key, diff_id, size_bytes, used_ns) for key, diff_id, size_bytes, used_ns in rows]


def remove_steps(connection: sqlite3.Connection, keys: Iterable[str]) -> None:
    """Forget steps. Their layers go with the next collection, unless an image has them."""
    connection.executemany("DELETE FROM build_steps WHERE key = ?", [(key,) for key in keys])


def find_note(connection: sqlite3.Connection, key: str) -> str | None:
    """Return what was computed before for a key."""
    row = connection.execute("SELECT digest FROM build_notes WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def insert_note(connection: sqlite3.Connection, key: str, digest: str) -> None:
    """Remember something that follows from its key."""
    connection.execute("INSERT OR REPLACE INTO build_notes (key, digest) VALUES (?, ?)", (key, digest))


def files_from(
    connection: sqlite3.Connection, device: int, inode: int, most: int
) -> list[tuple[int, tuple[int, int, int], str]]:
    """Return (inode, (size, modified, changed), digest) of so many files, from one inode on upwards."""
    rows = connection.execute(
        "SELECT inode, size_bytes, modified_ns, changed_ns, digest FROM build_files"
        " WHERE device = ? AND inode >= ? ORDER BY inode LIMIT ?",
        (device, inode, most),
    )
    return [(number, (size, modified, changed), digest) for number, size, modified, changed, digest in rows]


def insert_files(
    connection: sqlite3.Connection, files: Iterable[tuple[int, int, int, int, int, str]], most: int
) -> None:
    """Remember the digests of files; of more than `most` the oldest are forgotten."""
    connection.executemany("INSERT OR REPLACE INTO build_files VALUES (?, ?, ?, ?, ?, ?)", list(files))
    connection.execute(
        "DELETE FROM build_files WHERE rowid IN (SELECT rowid FROM build_files ORDER BY rowid DESC LIMIT -1 OFFSET ?)",
        (most,),
    )
