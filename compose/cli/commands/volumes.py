"""`volumes`."""

import argparse
import json

from compose.cli.context import Context
from compose.cli.options import add_format, add_services
from compose.cli.selection import project_containers
from compose.render.table import table
from compose.render.template import formatted
from schemas.engine.records import VolumeRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_format(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="Only display volume names")
    add_services(parser)


def run(context: Context) -> int:
    """List the volumes of the project, or of some of its services."""
    options = context.options
    records = context.reader().volumes(context.location().name)
    if options.services:
        mounted = {name for record in project_containers(context, options.services) for name in record.volumes}
        records = [record for record in records if record.name in mounted]
    records = sorted(records, key=lambda record: record.name)
    rows = [_row(record) for record in records]
    if options.quiet:
        context.write("".join(f"{record.name}\n" for record in records))
    elif options.format == "json":
        context.write("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
    elif options.format != "table":
        context.write(formatted(options.format, rows))
    else:
        cells = [(str(row["Driver"]), str(row["Name"])) for row in rows]
        context.write(table([("DRIVER", "VOLUME NAME"), *cells]))
    return 0


def _row(record: VolumeRecord) -> dict[str, object]:
    return {
        "Driver": record.spec.driver,
        "Labels": ",".join(f"{key}={value}" for key, value in record.spec.labels.items()),
        "Mountpoint": record.mountpoint,
        "Name": record.name,
        "Scope": "local",
    }
