"""`kill`."""

import argparse

from compose.cli.context import Context
from compose.cli.options import add_remove_orphans, add_services
from compose.cli.selection import existing_services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_remove_orphans(parser)
    parser.add_argument("-s", "--signal", default="SIGKILL", help="SIGNAL to send to the container")
    add_services(parser)


def run(context: Context) -> int:
    """Send a signal to what runs."""
    options = context.options
    services = existing_services(context, lambda record: record.status.is_live, oneoff=True)
    if services is None:
        context.note("no container to kill")
        return 0
    return context.lifecycle("kill", services=services, signal=options.signal)
