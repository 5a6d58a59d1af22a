"""`logs`."""

import argparse
import heapq
import sys
import time
from collections.abc import Iterator, Sequence

from compose.cli.context import Context
from compose.cli.following import Following, prefix_of
from compose.cli.moments import moment_ns
from compose.cli.options import add_index, add_services
from compose.cli.selection import project_containers
from compose.errors import ProjectError
from compose.render.logs import LogPrinter
from runtime.api import RuntimeReader
from schemas.engine.records import ContainerRecord, LogLine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    moment = "timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 minutes)"
    add("-f", "--follow", action="store_true", help="Follow log output")
    add_index(parser)
    add("--no-color", action="store_true", help="Produce monochrome output")
    add("--no-log-prefix", action="store_true", help="Don't print prefix in logs")
    add("--since", default="", help=f"Show logs since {moment}")
    add("-n", "--tail", default="all", help="Number of lines to show from the end of the logs for each container")
    add("-t", "--timestamps", action="store_true", help="Show timestamps")
    add("--until", default="", help=f"Show logs before a {moment}")
    add_services(parser)


def run(context: Context) -> int:
    """Print the containers' output, all containers' lines in the order of their times."""
    options = context.options
    now = time.time_ns()
    since, until = moment_ns("--since", options.since, now), moment_ns("--until", options.until, now)
    tail = _tail(options.tail)
    records = project_containers(context, options.services)
    if options.index:
        records = [record for record in records if record.spec.number == options.index]
        if not records:
            raise ProjectError(f"no container with index {options.index}")
    printer = LogPrinter(
        sys.stdout.buffer,
        sys.stdout.buffer,
        [prefix_of(record) for record in records],
        colour=context.has_colour() and not options.no_color,
        prefix=not options.no_log_prefix,
        timestamps=options.timestamps,
    )
    if options.follow and not until:
        _follow(context, records, printer, tail, since)
    else:
        _print(context.reader(), records, printer, (tail, since, until))
    return 0


def _print(
    reader: RuntimeReader,
    records: Sequence[ContainerRecord],
    printer: LogPrinter,
    bounds: tuple[int | None, int, int],
) -> None:
    tail, since, until = bounds
    sources = [_timed(record, reader.logs(record.id, tail=tail, since_ns=since, until_ns=until)) for record in records]
    for _, name, line in heapq.merge(*sources, key=lambda each: each[0]):
        printer.line(name, line.time_ns, line.data, partial=line.partial)
    printer.finish()


def _timed(record: ContainerRecord, lines: Iterator[LogLine]) -> Iterator[tuple[int, str, LogLine]]:
    """Yield lines with the time to sort by: that of their beginning, so that a long one stays together."""
    name = prefix_of(record)
    began: dict[str, int] = {}
    latest = 0
    for line in lines:
        latest = max(latest, began.get(line.stream, line.time_ns))
        if line.partial:
            began.setdefault(line.stream, line.time_ns)
        else:
            began.pop(line.stream, None)
        yield latest, name, line


def _follow(
    context: Context, records: Sequence[ContainerRecord], printer: LogPrinter, tail: int | None, since: int
) -> None:
    services, index = set(context.options.services), context.options.index

    def accepts(record: ContainerRecord) -> bool:
        chosen = not services or record.spec.service in services
        return chosen and not record.spec.oneoff and index in (0, record.spec.number)

    following = Following(context.reader(), printer)
    try:
        if any(record.status.is_live for record in records):
            following.watch(
                context.sessions().subscribe(context.location().name),
                accepts,
                lambda _identifier, _code, _restarting: None,
            )
        for record in records:
            following.add(record, tail=tail, since_ns=since)
        following.run()
    finally:
        following.close()


def _tail(text: str) -> int | None:
    """Return a number of lines, None for all."""
    if text == "all":
        return None
    try:
        count = int(text)
    except ValueError as error:
        raise ProjectError(f"`--tail`: `{text}` is not a number of lines") from error
    return count if count >= 0 else None
