"""Flags of `down`."""

import argparse

from compose.cli.options import add_remove_orphans, add_services, add_timeout


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add_remove_orphans(parser)
    add(
        "--rmi",
        choices=["local", "all"],
        default="",
        help='Remove images used by services. "local" remove only images that don\'t have a custom tag',
    )
    add_timeout(parser)
    add(
        "-v",
        "--volumes",
        action="store_true",
        help='Remove named volumes declared in the "volumes" section of the Compose file and anonymous volumes'
        " attached to containers",
    )
    add_services(parser)
