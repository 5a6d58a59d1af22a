"""The images table and the names that lead to its rows.

References are stored in their familiar form with a tag or digest (`busybox:latest`); making that
form is the caller's affair (runtime.image.reference).
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from schemas.dataclass import dataclass
from schemas.engine.codec import from_json, to_json
from schemas.engine.records import ImageRecord
from schemas.engine.status import ContainerStatus


@dataclass(frozen=True, slots=True)
class ImageUser:
    """A container made from an image."""

    container_id: str
    name: str
    status: ContainerStatus


def insert(connection: sqlite3.Connection, record: ImageRecord, manifest_digest: str) -> bool:
    """Store an image (its references are not stored with it). Return False when it is there already.

    The manifest is the latest one: its blobs are those that were seen to be there.
    """
    known = connection.execute("SELECT 1 FROM images WHERE id = ?", (record.id,)).fetchone()
    connection.execute(
        "INSERT INTO images (id, record, manifest_digest, created_ns) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET manifest_digest = excluded.manifest_digest",
        (record.id, to_json(replace(record, references=())), manifest_digest, record.created_ns),
    )
    return known is None


def remove(connection: sqlite3.Connection, image_id: str) -> None:
    """Forget an image and its references."""
    connection.execute("DELETE FROM image_references WHERE image_id = ?", (image_id,))
    connection.execute("DELETE FROM images WHERE id = ?", (image_id,))


def point(connection: sqlite3.Connection, reference: str, image_id: str) -> None:
    """Let a reference lead to an image, wherever it led before."""
    connection.execute(
        "INSERT INTO image_references (reference, image_id) VALUES (?, ?)"
        " ON CONFLICT (reference) DO UPDATE SET image_id = excluded.image_id",
        (reference, image_id),
    )


def unpoint(connection: sqlite3.Connection, reference: str) -> bool:
    """Remove a reference. Return whether there was one."""
    return connection.execute("DELETE FROM image_references WHERE reference = ?", (reference,)).rowcount > 0


def all_of(connection: sqlite3.Connection) -> list[ImageRecord]:
    """Return every image, the newest first."""
    return _records(connection, connection.execute("SELECT id, record FROM images ORDER BY created_ns DESC, id"))


def by_reference(connection: sqlite3.Connection, reference: str) -> ImageRecord | None:
    """Return the image a stored reference leads to."""
    rows = connection.execute(
        "SELECT id, record FROM images WHERE id = (SELECT image_id FROM image_references WHERE reference = ?)",
        (reference,),
    )
    return next(iter(_records(connection, rows)), None)


def by_id(connection: sqlite3.Connection, beginning: str) -> list[ImageRecord]:
    """Return the images whose id begins so (`sha256:` included), two at most."""
    rows = connection.execute(
        "SELECT id, record FROM images WHERE substr(id, 1, ?) = ? LIMIT 2", (len(beginning), beginning)
    )
    return _records(connection, rows)


def manifest_of(connection: sqlite3.Connection, image_id: str) -> str:
    """Return the digest of an image's manifest; empty where it has none."""
    row = connection.execute("SELECT manifest_digest FROM images WHERE id = ?", (image_id,)).fetchone()
    return str(row[0]) if row else ""


def set_manifest(connection: sqlite3.Connection, image_id: str, digest: str) -> None:
    """Let an image have another manifest."""
    connection.execute("UPDATE images SET manifest_digest = ? WHERE id = ?", (digest, image_id))


def by_manifest(connection: sqlite3.Connection, digest: str) -> list[ImageRecord]:
    """Return the images that have this manifest."""
    return _records(
        connection, connection.execute("SELECT id, record FROM images WHERE manifest_digest = ?", (digest,))
    )


def users(connection: sqlite3.Connection, image_id: str) -> list[ImageUser]:
    """Return the containers made from an image, ordered by name."""
    rows = connection.execute("SELECT id, name, status FROM containers WHERE image_id = ? ORDER BY name", (image_id,))
    return [ImageUser(container_id, name, ContainerStatus(status)) for container_id, name, status in rows]


def manifest_digests(connection: sqlite3.Connection) -> list[str]:
    """Return the manifests of all images: where garbage collection starts."""
    rows = connection.execute("SELECT manifest_digest FROM images WHERE manifest_digest != ''")
    return [digest for (digest,) in rows]


def orphaned_containers(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of containers whose image has no row: built in, or removed by force."""
    rows = connection.execute("SELECT id FROM containers WHERE image_id NOT IN (SELECT id FROM images)")
    return [container_id for (container_id,) in rows]


def _records(connection: sqlite3.Connection, rows: Iterable[tuple[str, str]]) -> list[ImageRecord]:
    return [
        replace(
            from_json(ImageRecord, text),
            references=tuple(
                reference
                for (reference,) in connection.execute(
                    "SELECT reference FROM image_references WHERE image_id = ? ORDER BY reference", (image_id,)
                )
            ),
        )
        for image_id, text in rows
    ]
