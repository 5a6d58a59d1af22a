"""`ps`."""

import argparse
import json
import time
from collections.abc import Sequence

from compose.cli.context import Context
from compose.cli.options import add_format, add_services
from compose.cli.selection import project_containers
from compose.errors import ProjectError
from compose.render.ps import HEADINGS, container_row
from compose.render.table import table
from compose.render.template import formatted
from runtime.errors import NotFound
from schemas.engine.records import ContainerRecord
from schemas.engine.status import ContainerStatus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("-a", "--all", action="store_true", help="Show all stopped containers (including those of the run command)")
    add("--filter", action="append", default=[], help="Filter services by a property (supported filters: status)")
    add_format(parser)
    add("--no-trunc", action="store_true", help="Don't truncate output")
    add("--orphans", action="store_true", default=True, help="Include orphaned services (not declared by project)")
    add("-q", "--quiet", action="store_true", help="Only display IDs")
    add("--services", dest="only_services", action="store_true", help="Display services")
    add(
        "--status",
        action="append",
        default=[],
        metavar="stringArray",
        help=f"Filter services by status. Values: [{' | '.join(ContainerStatus)}]",
    )
    add_services(parser)


def run(context: Context) -> int:
    """List containers."""
    options = context.options
    statuses = _statuses(options.filter, options.status)
    records = project_containers(context, options.services, oneoff=options.all)
    if not options.orphans and context.location().files:
        declared = context.resolve().section("services")
        records = [record for record in records if record.spec.service in declared]
    if statuses:
        records = [record for record in records if record.status in statuses]
    elif not options.all:
        records = [record for record in records if record.status.is_live]
    records.sort(key=lambda record: record.name)
    if options.quiet:
        text = "".join(f"{record.id}\n" for record in records)
    elif options.only_services:
        text = "".join(f"{service}\n" for service in sorted({record.spec.service for record in records}))
    else:
        text = _listing(context, records)
    context.write(text)
    return 0


def _listing(context: Context, records: Sequence[ContainerRecord]) -> str:
    options = context.options
    exposed = _Exposed(context)
    now = time.time_ns()
    rows = [
        container_row(record, now_ns=now, exposed=exposed.of(record), truncate=not options.no_trunc)
        for record in records
    ]
    if options.format == "json":
        return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    if options.format not in ("table", ""):
        return formatted(options.format, rows)
    cells = [[str(row[key]) for key in HEADINGS] for row in rows]
    return table([list(HEADINGS.values()), *cells])


class _Exposed:
    """The ports that containers expose: their service's and their image's."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._images: dict[str, tuple[str, ...]] = {}

    def of(self, record: ContainerRecord) -> tuple[str, ...]:
        if record.image_id not in self._images:
            try:
                ports = self._context.reader().image(record.image_id).config.exposed_ports
            except NotFound:
                ports = ()
            self._images[record.image_id] = ports
        return record.spec.expose + self._images[record.image_id]


def _statuses(filters: Sequence[str], statuses: Sequence[str]) -> set[str]:
    wanted = {status for value in statuses for status in value.split(",")}
    for each in filters:
        key, equals, value = each.partition("=")
        if not equals:
            raise ProjectError("arguments to --filter should be in form KEY=VAL")
        if key != "status":
            raise ProjectError(f"unknown filter {key}")
        wanted.add(value)
    for status in wanted:
        if status not in set(ContainerStatus):
            raise ProjectError(f"unknown status `{status}`", hint=f"it is one of {', '.join(ContainerStatus)}")
    return wanted
