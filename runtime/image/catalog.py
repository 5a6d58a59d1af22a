"""Which image a name means: the names in the state, ids, and the built-in image. Reads the state alone."""

import sqlite3
from dataclasses import replace

from runtime.errors import InvalidArgument, NotFound, Unsupported
from runtime.image.host import HOST_REFERENCE, host_record
from runtime.image.identity import is_hexadecimal, is_identifier
from runtime.image.reference import familiar, parse
from runtime.state import images, journal
from schemas.engine.records import ImageRecord

_GIVEN = ("pull", "load", "import", "tag", "build", "commit")
_DIGEST_PREFIX = "sha256:"


def all_images(connection: sqlite3.Connection) -> list[ImageRecord]:
    """Return every image, the newest first, and the built-in one where the machine has it."""
    try:
        built_in = [host_record()]
    except Unsupported:
        built_in = []
    return [*images.all_of(connection), *built_in]


def find_image(connection: sqlite3.Connection, text: str) -> ImageRecord:
    """Return an image by reference, id, or unambiguous beginning of an id, in that order (as Docker does).

    Raises NotFound, InvalidArgument.
    """
    found = None if is_identifier(text) else _by_reference(connection, text)
    digits = text.removeprefix(_DIGEST_PREFIX)
    if found is None and is_hexadecimal(digits):
        found = _by_identifier(connection, _DIGEST_PREFIX + digits)
    if found is None:
        raise NotFound(
            f"no such image: `{text}`",
            hint="`image pull` fetches it, `image load` and `image import` bring it in from files; or use the"
            " built-in image `host`",
        )
    return found


def since_ns(connection: sqlite3.Connection, text: str) -> int:
    """Return when a reference last came to lead to its image, as far as the journal goes back; 0 beyond that."""
    return journal.latest_ns(connection, "image", familiar(text), _GIVEN)


def is_reserved(reference: str) -> bool:
    """Whether a familiar reference belongs to the built-in image."""
    return reference == HOST_REFERENCE


def _by_reference(connection: sqlite3.Connection, text: str) -> ImageRecord | None:
    parsed = parse(text)
    name = parsed.with_default_tag().familiar
    if is_reserved(name):
        return host_record()
    found = images.by_reference(connection, name)
    if found is not None or not parsed.digest:
        return found
    found = images.by_reference(connection, replace(parsed, tag="").familiar)
    if found is not None:
        return found
    # Docker looks a `name:tag@digest` up by its digest; the tag is for people.
    for image in images.by_manifest(connection, parsed.digest):
        if any(parse(known).name == parsed.name for known in image.references):
            return image
    return None


def _by_identifier(connection: sqlite3.Connection, beginning: str) -> ImageRecord | None:
    found = images.by_id(connection, beginning)
    try:
        built_in = host_record()
    except Unsupported:
        pass
    else:
        if built_in.id.startswith(beginning):
            found.append(built_in)
    if len(found) > 1:
        raise InvalidArgument(f"several images begin with `{beginning}`", hint="give more digits, or a name")
    return found[0] if found else None
