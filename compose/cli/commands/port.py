"""`port`."""

import argparse

from compose.cli.context import Context
from compose.cli.options import add_index
from compose.cli.parser import UsageError
from compose.cli.selection import replica
from compose.errors import ProjectError
from schemas.engine.records import PublishedPort

LAST_PORT = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_index(parser)
    parser.add_argument("--protocol", default="tcp", help="tcp or udp")
    parser.add_argument("service", metavar="SERVICE")
    parser.add_argument("private_port", metavar="PRIVATE_PORT")


def run(context: Context) -> int:
    """Print where a port of a service is published, as ADDRESS:PORT."""
    options = context.options
    number, _, protocol = options.private_port.partition("/")
    if not number.isdecimal() or not 0 < int(number) <= LAST_PORT:
        raise UsageError(f"invalid port `{options.private_port}`", hint="a number from 1 to 65535")
    protocol = (protocol or options.protocol).lower()
    record = replica(context, options.service, options.index)
    found = [port for port in record.ports if (port.container_port, port.protocol) == (int(number), protocol)]
    if not found:
        published = ", ".join(f"{port.host_port}/{port.protocol}" for port in record.ports)
        raise ProjectError(f"no port {number}/{protocol} for container {record.name}: {published}".rstrip(": "))
    context.out(_address(found[0]))
    return 0


def _address(port: PublishedPort) -> str:
    host = port.host_ip or "0.0.0.0"  # noqa: S104 - shown, not bound
    return f"[{host}]:{port.host_port}" if ":" in host else f"{host}:{port.host_port}"
