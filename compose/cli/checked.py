"""`config -q`: whether the project is right, known without its models and without printing it."""

from compose.cli.arguments.config import switches
from compose.cli.context import Context
from compose.cli.exit_codes import SUCCESS

PRINTING = (
    "environment",
    "hash",
    "images",
    "lock_image_digests",
    "models",
    "networks",
    "no_interpolate",
    "only_services",
    "output",
    "profiles",
    "resolve_image_digests",
    "schema",
    "variables",
    "volumes",
)
"""Flags that ask for more than a check, or for another one."""


def report(context: Context) -> int | None:
    """Check the project, if that is all that is asked for; return the exit code then. Raises what is wrong with it."""
    options = context.options
    if not options.quiet or any(getattr(options, flag) for flag in PRINTING):
        return None
    if options.format not in ("", "yaml", "json"):
        return None
    result = context.resolve(options.services, **switches(options))
    context.advise(result)
    return SUCCESS
