"""`bundle.json`: written by the engine once, read by the supervisor at each start."""

from pathlib import Path

from runtime.errors import InvalidArgument
from schemas.engine.bundle import Bundle
from schemas.engine.codec import from_json, to_json


def write(bundle: Bundle, path: Path) -> None:
    """Write a bundle, whole or not at all, for our eyes only: its environment has secrets. Raises OSError."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(to_json(bundle), encoding="utf-8")
    draft.rename(path)


def read(path: Path) -> Bundle:
    """Read what `write` wrote. Raises InvalidArgument when it is missing or not whole."""
    try:
        return from_json(Bundle, path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidArgument(f"the container has no bundle: `{path}`") from error
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"`{path}` is not a bundle: {error}") from error
