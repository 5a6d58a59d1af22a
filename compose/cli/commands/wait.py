"""`wait`."""

import argparse

from compose.cli.context import Context
from compose.cli.selection import check_services
from compose.orchestration.verbs.waiting import wait


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--down-project", action="store_true", help="Drops project when the first container stops")
    parser.add_argument("services", nargs="+", metavar="SERVICE")


def run(context: Context) -> int:
    """Wait for containers to end and return the exit code: of several, the first that is not 0.

    A container that has ended already counts with the code that was recorded.
    """
    options = context.options
    project = context.location().name
    check_services(context, options.services, context.reader().containers(project))
    endings = wait(context.runtime(), project, options.services, first_only=options.down_project)
    for record, code in endings:
        context.out(f'container "{record.id}" exited with status code {code}')
    context.flush()
    if options.down_project:
        context.down()
    return next((code for _, code in endings if code), 0)
