"""`restart`."""

import argparse

from compose.cli.context import Context
from compose.cli.options import add_services, add_timeout
from compose.cli.selection import existing_services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--no-deps", action="store_true", help="Don't restart dependent services")
    add_timeout(parser)
    add_services(parser)


def run(context: Context) -> int:
    """Stop and start containers; changes of the Compose file are not applied."""
    options = context.options
    services = existing_services(context)
    if services is None:
        return 0
    return context.lifecycle(
        "restart", services=services, timeout_s=options.timeout, with_dependents=not options.no_deps
    )
