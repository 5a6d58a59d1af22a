"""`image import`, `image load` and `image save`: images from files and into them."""

import argparse
import sys
from pathlib import Path

from compose.cli.context import Context
from compose.errors import ProjectError
from runtime.errors import EngineError

STANDARD_STREAM = "-"


def declare_import(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "-c", "--change", action="append", default=[], help="Apply Dockerfile instruction to the created image"
    )
    parser.add_argument("archive", metavar="FILE|-")
    parser.add_argument("reference", metavar="NAME[:TAG]")


def import_root(context: Context) -> None:
    """Make an image of a root file system and print its id."""
    options = context.options
    record = context.images().import_image(Path(options.archive), options.reference, changes=options.change)
    context.out(record.id)


def declare_load(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("-i", "--input", default=STANDARD_STREAM, help="Read from tar archive file, instead of STDIN")
    parser.add_argument("-q", "--quiet", action="store_true", help="Suppress the load output")


def load(context: Context) -> None:
    """Load an archive and print what was in it."""
    options = context.options
    if options.input == STANDARD_STREAM and sys.stdin.isatty():
        raise ProjectError("requested load from stdin, but stdin is empty", hint="name the archive with `-i`")
    for record in context.images().load_images(Path(options.input)):
        for reference in record.references:
            context.out(f"Loaded image: {reference}")
        if not record.references:
            context.out(f"Loaded image ID: {record.id}")


def declare_save(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_output(parser)
    parser.add_argument("-z", "--gzip", action="store_true", help="Compress the archive")
    parser.add_argument("references", nargs="+", metavar="IMAGE")


def save(context: Context) -> None:
    """Write images into one archive."""
    options = context.options
    target = output_of(options.output, "cowardly refusing to save to a terminal")
    try:
        context.images().save_images(options.references, target, gzipped=options.gzip)
    except EngineError as error:
        raise ProjectError(f"failed to save image: {error.message}", hint=error.hint) from error


def add_output(parser: argparse.ArgumentParser) -> None:
    """`-o`."""
    parser.add_argument("-o", "--output", metavar="string", default="", help="Write to a file, instead of STDOUT")


def output_of(name: str, refusal: str) -> Path:
    """Return where an archive is to be written. Raises ProjectError for a terminal, which would show it."""
    if not name and sys.stdout.isatty():
        raise ProjectError(refusal, hint="use the -o flag or redirect")
    return Path(name or STANDARD_STREAM)
