"""Removing names of images, and images: Docker's rules and lines (moby daemon/images/image_delete.go)."""

import sqlite3

from runtime.errors import FailedPrecondition
from runtime.image import reference as references
from runtime.image.identity import chain_ids, is_identifier
from runtime.state import images, journal
from runtime.state.images import ImageUser
from schemas.engine.events import EngineEvent
from schemas.engine.identifiers import DiffID, short
from schemas.engine.records import ImageRecord


def remove_image(connection: sqlite3.Connection, record: ImageRecord, asked: str, *, force: bool) -> list[str]:
    """Remove what `asked`, which led to `record`, means; return what was done as lines. Call in a transaction.

    A name goes; the image goes with its last name, or when it was named by its id. Raises
    FailedPrecondition while containers use it, or other names lead to it.
    """
    users = images.users(connection, record.id)
    name = _named(record, asked)
    if name is not None:
        if users and not force and len(record.references) == 1:
            raise FailedPrecondition(
                f"conflict: unable to remove repository reference `{asked}` (must force) - container"
                f" {short(users[0].container_id)} is using its referenced image {short(record.id)}",
                hint=f"remove container `{users[0].name}` first",
            )
        lines = [_untag(connection, record, name)]
        if len(record.references) > 1 or users:
            return lines
        return [*lines, *_delete(connection, record)]
    _check_use(record, users, force=force)
    lines = [_untag(connection, record, each) for each in record.references]
    return [*lines, *_delete(connection, record)]


def _named(record: ImageRecord, asked: str) -> str | None:
    """Return which of the image's names was asked for; None when it was its id."""
    if is_identifier(asked):
        return None
    familiar = references.familiar(asked)
    return familiar if familiar in record.references else None


def _check_use(record: ImageRecord, users: list[ImageUser], *, force: bool) -> None:
    identifier = short(record.id)
    for user in users:
        if user.status.is_live:
            raise FailedPrecondition(
                f"conflict: unable to delete {identifier} (cannot be forced) - image is being used by running container"
                f" {short(user.container_id)}",
                hint=f"stop and remove container `{user.name}` first",
            )
    if force:
        return
    if len(record.references) > 1:
        raise FailedPrecondition(
            f"conflict: unable to delete {identifier} (must be forced) - image is referenced in multiple repositories"
        )
    if users:
        raise FailedPrecondition(
            f"conflict: unable to delete {identifier} (must be forced) - image is being used by stopped container"
            f" {short(users[0].container_id)}",
            hint=f"remove container `{users[0].name}` first",
        )


def _untag(connection: sqlite3.Connection, record: ImageRecord, name: str) -> str:
    images.unpoint(connection, name)
    journal.append(connection, EngineEvent("image", "untag", record.id, name=name))
    return f"Untagged: {name}"


def _delete(connection: sqlite3.Connection, record: ImageRecord) -> list[str]:
    images.remove(connection, record.id)
    journal.append(connection, EngineEvent("image", "delete", record.id, name=record.id))
    kept = {chain for other in images.all_of(connection) for chain in _chain(other)}
    layers = [f"Deleted: {chain}" for chain in reversed(_chain(record)) if chain not in kept]
    return [f"Deleted: {record.id}", *layers]


def _chain(record: ImageRecord) -> list[str]:
    return list(chain_ids(DiffID(diff_id) for diff_id in record.layers))
