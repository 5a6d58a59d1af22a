"""`stop`."""

import argparse

from compose.cli.context import Context
from compose.cli.options import add_services, add_timeout
from compose.cli.selection import existing_services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_timeout(parser)
    add_services(parser)


def run(context: Context) -> int:
    """Stop what runs; containers stay."""
    services = existing_services(context, lambda record: record.status.is_live)
    if services is None:
        return 0
    return context.lifecycle("stop", services=services, timeout_s=context.options.timeout)
