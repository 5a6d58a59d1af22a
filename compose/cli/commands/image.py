"""`image`: the store of images."""

import argparse
from collections.abc import Callable

from compose.cli import image_archives, image_bootstrap, image_listing, image_removal, image_transfer
from compose.cli.context import Context
from compose.cli.options import PROGRAM
from compose.cli.parser import Parser, UsageError


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


_Declare = Callable[[argparse.ArgumentParser], None]
_Perform = Callable[[Context], None]

SUBCOMMANDS: dict[str, tuple[_Declare, _Perform, str, str]] = {
    "bootstrap": (
        image_bootstrap.declare,
        image_bootstrap.perform,
        "Make a base image from the packages of a Debian or Ubuntu mirror",
        "[OPTIONS] debian:SUITE[-slim]|ubuntu:SUITE",
    ),
    "history": (
        image_listing.declare_history,
        image_listing.history,
        "Show the history of an image",
        "[OPTIONS] IMAGE",
    ),
    "import": (
        image_archives.declare_import,
        image_archives.import_root,
        "Make an image from a tar of a root file system",
        "[OPTIONS] FILE|- NAME",
    ),
    "inspect": (
        image_listing.declare_inspect,
        image_listing.inspect,
        "Display detailed information on images",
        "[OPTIONS] IMAGE...",
    ),
    "load": (image_archives.declare_load, image_archives.load, "Load images from an archive", "[OPTIONS]"),
    "ls": (image_listing.declare_ls, image_listing.ls, "List images", "[OPTIONS] [REPOSITORY[:TAG]]"),
    "prune": (image_removal.declare_prune, image_removal.prune, "Remove unused images", "[OPTIONS]"),
    "pull": (
        image_transfer.declare_pull,
        image_transfer.pull,
        "Download an image from a registry",
        "[OPTIONS] NAME[:TAG|@DIGEST]",
    ),
    "push": (image_transfer.declare_push, image_transfer.push, "Upload an image to a registry", "[OPTIONS] NAME[:TAG]"),
    "rm": (image_removal.declare_rm, image_removal.rm, "Remove images", "[OPTIONS] IMAGE..."),
    "save": (image_archives.declare_save, image_archives.save, "Save images to an archive", "[OPTIONS] IMAGE..."),
    "tag": (
        image_removal.declare_tag,
        image_removal.tag,
        "Create a tag that refers to an image",
        "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    ),
}
"""Name: (flags, what it does, summary, usage)."""
