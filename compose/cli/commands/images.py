"""`images`."""

import argparse
import json

from compose.cli.context import Context
from compose.cli.options import add_services
from compose.cli.selection import project_containers
from compose.render.duration import human_size
from compose.render.images import bare_id, repository_and_tag, short_id
from compose.render.table import WIDE, table
from runtime.api import RuntimeReader
from runtime.errors import NotFound
from schemas.engine.records import ContainerRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--format", choices=["table", "json"], default="table", help="Format the output")
    parser.add_argument("-q", "--quiet", action="store_true", help="Only display IDs")
    add_services(parser)


def run(context: Context) -> int:
    """List the images of the project's containers."""
    options = context.options
    records = sorted(project_containers(context, options.services, oneoff=True), key=lambda record: record.name)
    if options.quiet:
        context.write("".join(f"{bare_id(each)}\n" for each in dict.fromkeys(record.image_id for record in records)))
        return 0
    rows = [_row(context.reader(), record) for record in records]
    if options.format == "json":
        context.out(json.dumps(rows, separators=(",", ":")))
        return 0
    cells = [
        (
            str(row["ContainerName"]),
            str(row["Repository"]),
            str(row["Tag"]),
            short_id(str(row["ID"])),
            human_size(int(str(row["Size"]))),
        )
        for row in rows
    ]
    context.write(table([("CONTAINER", "REPOSITORY", "TAG", "IMAGE ID", "SIZE"), *cells], minimum=WIDE))
    return 0


def _row(reader: RuntimeReader, record: ContainerRecord) -> dict[str, object]:
    repository, tag = repository_and_tag(record.spec.image)
    try:
        size = reader.image(record.image_id).size_bytes
    except NotFound:
        size = 0
    return {
        "ID": record.image_id,
        "ContainerName": record.name,
        "Repository": repository,
        "Tag": tag,
        "Size": size,
    }
