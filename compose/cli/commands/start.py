"""`start`."""

import argparse

from compose.cli.context import Context
from compose.cli.options import add_services
from compose.cli.selection import existing_services, project_containers
from compose.errors import ProjectError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--wait", action="store_true", help="Wait for services to be running|healthy")
    parser.add_argument(
        "--wait-timeout", type=int, default=None, help="Maximum duration to wait for the project to be running|healthy"
    )
    add_services(parser)


def run(context: Context) -> int:
    """Start containers that exist."""
    options = context.options
    created = {record.spec.service for record in project_containers(context, options.services)}
    missing = [service for service in options.services if service not in created]
    if missing or not created:
        name = missing[0] if missing else next(iter(context.declared_services()), "")
        raise ProjectError(f'service "{name}" has no container to start', hint="`up` creates and starts it")
    services = existing_services(context, lambda record: options.wait or not record.status.is_live)
    if services is None:
        return 0
    return context.lifecycle("start", services=services, wait=options.wait, wait_timeout_s=options.wait_timeout)
