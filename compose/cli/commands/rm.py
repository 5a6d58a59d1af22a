"""`rm`."""

import argparse

from compose.cli.context import Context
from compose.cli.exit_codes import SUCCESS
from compose.cli.options import add_services
from compose.cli.selection import existing_services, project_containers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("-a", "--all", action="store_true", help=argparse.SUPPRESS)
    add("-f", "--force", action="store_true", help="Don't ask to confirm removal")
    add("-s", "--stop", action="store_true", help="Stop the containers, if required, before removing")
    add("-v", "--volumes", action="store_true", help="Remove any anonymous volumes attached to containers")
    add_services(parser)


def run(context: Context) -> int:
    """Remove stopped containers, after asking."""
    options = context.options
    records = [
        record for record in project_containers(context, options.services) if not record.status.is_live or options.stop
    ]
    if not records:
        context.note("No stopped containers")
        return SUCCESS
    going = f"Going to remove {', '.join(record.name for record in records)}"
    if options.force or options.dry_run:
        context.out(going)
    elif not context.confirm(going):
        return SUCCESS
    services = existing_services(context)
    return context.lifecycle("rm", services=services or (), volumes=options.volumes, stop_first=options.stop)
