"""`ls`."""

import argparse
import json
from collections import Counter

from compose import labels
from compose.cli.context import Context
from compose.errors import ProjectError
from compose.render.table import WIDE, table
from schemas.engine.records import ContainerRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("-a", "--all", action="store_true", help="Show all stopped projects")
    add("--filter", action="append", default=[], help="Filter output based on conditions provided (name)")
    add("--format", choices=["table", "json"], default="table", help="Format the output")
    add("-q", "--quiet", action="store_true", help="Only display project names")


def run(context: Context) -> int:
    """List projects with the number of their containers in each status."""
    options = context.options
    projects: dict[str, list[ContainerRecord]] = {}
    for record in context.reader().containers():
        if record.spec.project and (options.all or record.status.is_live):
            projects.setdefault(record.spec.project, []).append(record)
    wanted = _names(options.filter)
    rows = [
        (name, _status(records), _config_files(records))
        for name, records in sorted(projects.items())
        if not wanted or any(each in name for each in wanted)
    ]
    if options.quiet:
        context.write("".join(f"{name}\n" for name, _, _ in rows))
    elif options.format == "json":
        keys = ("Name", "Status", "ConfigFiles")
        context.out(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], separators=(",", ":")))
    else:
        context.write(table([("NAME", "STATUS", "CONFIG FILES"), *rows], minimum=WIDE))
    return 0


def _names(filters: list[str]) -> list[str]:
    names = []
    for each in filters:
        key, _, value = each.partition("=")
        if key != "name":
            raise ProjectError(f"unknown filter {key}", hint="`ls` filters by name=…")
        names.append(value)
    return names


def _status(records: list[ContainerRecord]) -> str:
    counts = Counter(record.status.value for record in records)
    return ", ".join(f"{status}({count})" for status, count in sorted(counts.items()))


def _config_files(records: list[ContainerRecord]) -> str:
    files = {record.spec.labels.get(labels.CONFIG_FILES, "") for record in records}
    return ",".join(sorted(files - {""})) or "N/A"
