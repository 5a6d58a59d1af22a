"""`logout`: forget the credentials for a registry."""

import argparse

from compose.cli import registry
from compose.cli.context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the argument."""
    parser.add_argument("server", nargs="?", default="", metavar="SERVER")


def run(context: Context) -> int:
    """Forget them; there may be none."""
    server = registry.load(registry.LOGIN).log_out(context.options.server)
    context.out(f"Removing login credentials for {server}")
    return 0
