"""`events`."""

import argparse
import json
import time
from datetime import datetime

from compose.cli.context import Context
from compose.cli.moments import moment_ns
from compose.cli.options import add_services
from schemas.engine.events import EngineEvent

_SECOND = 1_000_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--json", action="store_true", help="Output events as a stream of json objects")
    parser.add_argument("--since", default="", help="Show all events created since timestamp")
    parser.add_argument("--until", default="", help="Stream events until this timestamp")
    add_services(parser)


def run(context: Context) -> int:
    """Print what happens to the project's containers, and with `--since` what has happened."""
    options = context.options
    project = context.location().name
    now = time.time_ns()
    since, until = moment_ns("--since", options.since, now), moment_ns("--until", options.until, now)
    stream = None if until and until <= now else context.sessions().subscribe(project)
    shown = 0
    try:
        if since or stream is None:
            for event in context.reader().events(project, since_ns=since, until_ns=until):
                shown = max(shown, event.sequence)
                _show(context, event)
        while stream is not None:
            left = (until - time.time_ns()) / _SECOND if until else None
            if left is not None and left <= 0:
                break
            # The journal and the stream overlap where both were asked.
            if (live := stream.read(left)) is not None and live.sequence > shown:
                _show(context, live)
    finally:
        if stream is not None:
            stream.close()
    return 0


def _show(context: Context, event: EngineEvent) -> None:
    options = context.options
    if event.type != "container" or (options.services and event.service not in options.services):
        return
    when = datetime.fromtimestamp(event.time_ns / _SECOND).astimezone()
    attributes = {"name": event.name, **event.attributes}
    if options.json:
        line = {
            "time": when.isoformat(),
            "type": event.type,
            "service": event.service,
            "id": event.id,
            "action": event.action,
            "attributes": attributes,
        }
        context.write(json.dumps(line, separators=(",", ":")) + "\n")
    else:
        shown = ", ".join(f"{key}={value}" for key, value in attributes.items())
        context.out(f"{when:%Y-%m-%d %H:%M:%S.%f} container {event.action} {event.id} ({shown})")
    context.flush()
