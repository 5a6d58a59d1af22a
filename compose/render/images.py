"""Images as lists show them."""

SHORT_ID = 12
NONE = "<none>"


def repository_and_tag(reference: str) -> tuple[str, str]:
    """Return (`registry/name`, tag) of a reference.

    The tag is `latest` where none is written, and `<none>` beside a digest.
    """
    name, _, digest = reference.partition("@")
    before, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        return before, tag
    return name, NONE if digest else "latest"


def bare_id(image_id: str) -> str:
    """Return an image id without its algorithm."""
    return image_id.rpartition(":")[2]


def short_id(image_id: str) -> str:
    """Return the first twelve digits."""
    return bare_id(image_id)[:SHORT_ID]
