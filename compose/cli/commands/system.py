"""`system df`: what takes space on disk."""

import argparse
import time

from compose.cli.context import Context
from compose.cli.image_listing import listing
from compose.cli.options import PROGRAM, add_format
from compose.cli.parser import Parser, UsageError
from compose.errors import ProjectError
from compose.render.disk_usage import HEADINGS, summary_rows, verbose

_SUMMARY = "Show disk usage"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-command and what follows it."""
    parser.epilog = f"Commands:\n  df       {_SUMMARY}"
    parser.add_argument("subcommand", metavar="COMMAND")
    parser.add_argument("arguments", nargs="*")


def run(context: Context) -> int:
    """Measure images, containers, volumes and the build cache."""
    options = context.options
    if options.subcommand != "df":
        raise UsageError(f"unknown command `system {options.subcommand}`", hint="there is `df`")
    command = f"{PROGRAM} system df"
    parser = Parser(command, usage=f"{command} [OPTIONS]", summary=_SUMMARY)
    add_format(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="Show detailed information on space usage")
    parser.read(options.arguments, options)
    if options.verbose and options.format not in ("table", ""):
        raise ProjectError("`system df -v` has no `--format`")
    usage = context.runtime().disk_usage()
    if options.verbose:
        context.write(verbose(usage, time.time_ns()))
    else:
        context.write(listing(options.format, summary_rows(usage), HEADINGS))
    return 0
