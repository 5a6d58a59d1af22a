"""`top`."""

import argparse

from compose.cli.context import Context
from compose.cli.options import add_services
from compose.cli.processes import COLUMNS, processes_of
from compose.cli.selection import project_containers
from compose.render.table import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_services(parser)


def run(context: Context) -> int:
    """List the processes of the running containers."""
    rows: list[tuple[str, ...]] = []
    for record in project_containers(context, context.options.services, oneoff=True):
        if record.pid and record.status.is_live:
            number = str(record.spec.number or 1)
            rows += [(record.spec.service, number, *process) for process in processes_of(record.pid)]
    if rows:
        context.write(table([("SERVICE", "#", *COLUMNS), *rows], minimum=4, padding=2))
    return 0
