"""What builds remember: which step made which layer, and the digests of files that were read.

A step is found by its key alone, which is a digest of all it depends on. A layer made since the machine was started
may not be on the disk yet: until `settle` its row counts in this boot only. A step that was found in a cache from
elsewhere counts only for builds that name this cache: whoever may write to it decides what such a step made.
"""

import sqlite3
import time
from collections.abc import Iterable, Sequence

from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step that was done."""

    key: str
    diff_id: str
    """Of the layer that it made."""
    size_bytes: int
    """Of the layer's files."""
    made_ns: int
    """When the layer was made, in nanoseconds since 1970; `used_ns`, when it was last of use."""
    source: str = ""
    """The cache that it was found in (`cache_from`); empty: it was done here."""
    used_ns: int = 0


def find_steps(connection: sqlite3.Connection, key: str, boot_id: str, sources: Sequence[str]) -> list[StepRow]:
    """Return what is remembered of a step, what was done here first; of other caches only the `sources` count."""
    rows = connection.execute(
        "SELECT key, diff_id, size_bytes, made_ns, source, used_ns FROM build_steps"
        " WHERE key = ? AND boot_id IN ('', ?) ORDER BY source",
        (key, boot_id),
    )
    return [row for row in (StepRow(*each) for each in rows) if not row.source or row.source in sources]


def insert_step(connection: sqlite3.Connection, step: StepRow, boot_id: str) -> None:
    """Remember a step, in the place of what was remembered of it; it is of use now."""
    connection.execute(
        "INSERT OR REPLACE INTO build_steps (key, diff_id, size_bytes, made_ns, source, boot_id, used_ns)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (step.key, step.diff_id, step.size_bytes, step.made_ns, step.source, boot_id, time.time_ns()),
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


def steps(connection: sqlite3.Connection) -> list[StepRow]:
    """Return every step, the longest unused first."""
    rows = connection.execute(
        "SELECT key, diff_id, size_bytes, made_ns, source, used_ns FROM build_steps ORDER BY used_ns, key, source"
    )
    return [StepRow(*row) for row in rows]


def remove_steps(connection: sqlite3.Connection, steps: Iterable[StepRow]) -> None:
    """Forget steps. Their layers go with the next collection, unless an image has them."""
    connection.executemany(
        "DELETE FROM build_steps WHERE key = ? AND source = ?", [(step.key, step.source) for step in steps]
    )
    connection.execute("DELETE FROM build_blobs WHERE diff_id NOT IN (SELECT diff_id FROM build_steps)")


def insert_blob(connection: sqlite3.Connection, diff_id: str, digest: str, media_type: str, size_bytes: int) -> None:
    """Remember in which blob a layer stands packed."""
    connection.execute(
        "INSERT OR REPLACE INTO build_blobs (diff_id, digest, media_type, size_bytes) VALUES (?, ?, ?, ?)",
        (diff_id, digest, media_type, size_bytes),
    )


def find_blob(connection: sqlite3.Connection, diff_id: str) -> tuple[str, str, int] | None:
    """Return (digest, media type, bytes) of the blob that a layer stands in, packed."""
    row = connection.execute(
        "SELECT digest, media_type, size_bytes FROM build_blobs WHERE diff_id = ?", (diff_id,)
    ).fetchone()
    return None if row is None else (row[0], row[1], row[2])


def blobs(connection: sqlite3.Connection) -> list[str]:
    """Return the digests of all packed layers."""
    return [digest for (digest,) in connection.execute("SELECT digest FROM build_blobs")]


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
