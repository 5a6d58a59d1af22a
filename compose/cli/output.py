"""Where `config` puts what was asked for: standard output, or the file of `-o`."""

from pathlib import Path

from compose.cli.context import Context
from compose.errors import ProjectError


def deliver(context: Context, text: str) -> None:
    """Write to the file that `-o` names, if it does and there is something to write. Raises ProjectError."""
    path = context.options.output
    if not (path and text):
        context.write(text)
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ProjectError(f"open {path}: {(error.strerror or str(error)).lower()}") from None
