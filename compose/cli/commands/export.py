"""`export`."""

import argparse

from compose.cli.context import Context
from compose.cli.exit_codes import SUCCESS
from compose.cli.image_archives import add_output, output_of
from compose.cli.options import add_index
from compose.cli.selection import replica
from compose.errors import ProjectError
from runtime.errors import EngineError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_index(parser)
    add_output(parser)
    parser.add_argument("service", metavar="SERVICE")


def run(context: Context) -> int:
    """Write the root file system of a container, which may have stopped."""
    options = context.options
    record = replica(context, options.service, options.index, running=False)
    target = output_of(options.output, "output option is required when exporting to terminal")
    if options.dry_run:
        context.note(f" DRY-RUN MODE -  Container {record.name}  Exporting to {options.output or 'standard output'}")
        return SUCCESS
    try:
        context.runtime().export_container(record.id, target)
    except EngineError as error:
        raise ProjectError(f"failed to export container: {error.message}", hint=error.hint) from error
    return SUCCESS
