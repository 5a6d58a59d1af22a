"""`config --schema`: the JSON Schema of Compose files, for editors. It needs no project, and nothing heavy."""

from pathlib import Path

import schemas
from compose.cli.context import Context
from compose.cli.exit_codes import SUCCESS
from compose.cli.output import deliver


def report(context: Context) -> int | None:
    """Print the schema if it is asked for. Raises ProjectError where the file of `-o` cannot be written."""
    if not context.options.schema:
        return None
    deliver(context, Path(schemas.__path__[0], "compose-spec.json").read_text(encoding="utf-8"))
    return SUCCESS
