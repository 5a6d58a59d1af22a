"""`pause`."""

import argparse

from compose.cli.context import Context
from compose.cli.options import add_services
from compose.cli.selection import existing_services
from schemas.engine.status import ContainerStatus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_services(parser)


def run(context: Context) -> int:
    """Freeze what runs."""
    services = existing_services(context, lambda record: record.status is ContainerStatus.RUNNING)
    return 0 if services is None else context.lifecycle("pause", services=services)
