"""`commit`."""

import argparse

from compose.cli.context import Context
from compose.cli.exit_codes import SUCCESS
from compose.cli.options import add_index
from compose.cli.selection import replica
from compose.events import Progress, ProgressEvent
from schemas.engine.specs import CommitSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add(
        "-a",
        "--author",
        metavar="string",
        default="",
        help='Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")',
    )
    add("-c", "--change", action="append", default=[], help="Apply Dockerfile instruction to the created image")
    add_index(parser)
    add("-m", "--message", metavar="string", default="", help="Commit message")
    add("-p", "--pause", action="store_true", default=True, help="Pause container during commit")
    add("service", metavar="SERVICE")
    add("reference", nargs="?", default="", metavar="REPOSITORY[:TAG]")


def run(context: Context) -> int:
    """Make an image of a container."""
    options = context.options
    record = replica(context, options.service, options.index, running=False)
    label = f"Container {record.name}"
    progress = context.progress()
    progress.start("Committing")
    progress.on(ProgressEvent(label, Progress.WORKING, "Committing"))
    done = "Committed"
    success = False
    try:
        if not options.dry_run:
            spec = CommitSpec(
                options.reference, options.author, options.message, tuple(options.change), pause=options.pause
            )
            runtime = context.runtime()
            with runtime.locked(context.location().name):
                done = f"Committed as {runtime.commit_container(record.id, spec).id}"
        progress.on(ProgressEvent(label, Progress.DONE, done))
        success = True
    finally:
        progress.done(success=success)
    return SUCCESS
