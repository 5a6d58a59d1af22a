"""`image`: the store of images."""

import argparse
import time
from collections.abc import Callable

from compose.cli import image_archives, image_bootstrap, image_transfer
from compose.cli.context import Context
from compose.cli.options import PROGRAM
from compose.cli.parser import Parser, UsageError
from compose.render.duration import human_duration, human_size
from compose.render.images import NONE, repository_and_tag, short_id
from compose.render.table import table

_SECOND = 1_000_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-command and what follows it."""
    subcommands = "\n".join(f"  {name:<11}{summary}" for name, (_, _, summary, _) in SUBCOMMANDS.items())
    parser.epilog = f"Commands:\n{subcommands}"
    parser.add_argument("subcommand", metavar="COMMAND")
    parser.add_argument("arguments", nargs="*")


def run(context: Context) -> int:
    """Run one of SUBCOMMANDS."""
    options = context.options
    known = SUBCOMMANDS.get(options.subcommand)
    if known is None:
        raise UsageError(f"unknown command `image {options.subcommand}`", hint=f"there are {', '.join(SUBCOMMANDS)}")
    declare, perform, summary, usage = known
    command = f"{PROGRAM} image {options.subcommand}"
    parser = Parser(command, usage=f"{command} {usage}", summary=summary)
    declare(parser)
    parser.read(options.arguments, options)
    perform(context)
    return 0


def _declare_ls(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="Only show image IDs")
    parser.add_argument("--no-trunc", action="store_true", help="Don't truncate output")


def _ls(context: Context) -> None:
    options = context.options
    records = sorted(context.reader().images(), key=lambda record: (*record.references[:1], record.id))
    now = time.time_ns()
    rows = []
    for record in records:
        identifier = record.id if options.no_trunc else short_id(record.id)
        age = f"{human_duration((now - record.created_ns) / _SECOND)} ago" if record.created_ns else "N/A"
        size = human_size(record.size_bytes)
        references = record.references or (f"{NONE}:{NONE}",)
        rows += [(*repository_and_tag(reference), identifier, age, size) for reference in references]
    if options.quiet:
        context.write("".join(f"{identifier}\n" for identifier in dict.fromkeys(row[2] for row in rows)))
    else:
        context.write(table([("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"), *rows]))


def _declare_rm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--force", action="store_true", help="Force removal of the image")
    parser.add_argument("references", nargs="+", metavar="IMAGE")


def _rm(context: Context) -> None:
    for reference in context.options.references:
        for line in context.runtime().remove_image(reference, force=context.options.force):
            context.out(line)


_Declare = Callable[[argparse.ArgumentParser], None]
_Perform = Callable[[Context], None]

SUBCOMMANDS: dict[str, tuple[_Declare, _Perform, str, str]] = {
    "bootstrap": (
        image_bootstrap.declare,
        image_bootstrap.perform,
        "Make a base image from the packages of a Debian or Ubuntu mirror",
        "[OPTIONS] debian:SUITE[-slim]|ubuntu:SUITE",
    ),
    "import": (
        image_archives.declare_import,
        image_archives.import_root,
        "Make an image from a tar of a root file system",
        "[OPTIONS] FILE|- NAME",
    ),
    "load": (image_archives.declare_load, image_archives.load, "Load images from an archive", "[OPTIONS]"),
    "ls": (_declare_ls, _ls, "List images", "[OPTIONS]"),
    "pull": (
        image_transfer.declare_pull,
        image_transfer.pull,
        "Download an image from a registry",
        "[OPTIONS] NAME[:TAG|@DIGEST]",
    ),
    "push": (image_transfer.declare_push, image_transfer.push, "Upload an image to a registry", "[OPTIONS] NAME[:TAG]"),
    "rm": (_declare_rm, _rm, "Remove images", "[OPTIONS] IMAGE..."),
    "save": (image_archives.declare_save, image_archives.save, "Save images to an archive", "[OPTIONS] IMAGE..."),
}
"""Name: (flags, what it does, summary, usage)."""
