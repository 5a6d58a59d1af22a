"""`version`."""

import argparse
import json

from compose.cli.context import Context
from compose.version import __version__


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("-f", "--format", choices=["pretty", "json"], default="pretty", help="Format the output")
    parser.add_argument("--short", action="store_true", help="Show only the version number")


def run(context: Context) -> int:
    """Print the version."""
    if context.options.short:
        context.out(__version__)
    elif context.options.format == "json":
        context.out(json.dumps({"version": __version__}, separators=(",", ":")))
    else:
        context.out(f"pycompose version {__version__}")
    return 0
