"""Flags of `create`."""

import argparse

from compose.cli.options import add_creation, add_services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_creation(parser)
    add_services(parser)
