"""Flags of `push`."""

import argparse

from compose.cli.options import add_services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add(
        "--ignore-push-failures",
        action="store_true",
        help="Push what it can and ignores images with push failures",
    )
    add("--include-deps", action="store_true", help="Also push images of services declared as dependencies")
    add("-q", "--quiet", action="store_true", help="Push without printing progress information")
    add_services(parser)
