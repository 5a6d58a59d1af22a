"""What to do about an image that is not there, when no registry has it or none can be reached."""

from runtime.errors import InvalidArgument
from runtime.image.bootstrap.bases import find_base


def without_registry(reference: str) -> str:
    """Return a hint with the ways that bring this image in."""
    files = "`image load` and `image import` bring images in from files"
    try:
        base = find_base(reference)
    except InvalidArgument:
        base = None
    if base is None:
        return f"without a registry, {files}"
    return f"`pycompose image bootstrap {reference}` makes it from packages, without a registry; {files}"
