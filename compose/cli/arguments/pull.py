"""Flags of `pull`."""

import argparse

from compose.cli.options import add_services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("--ignore-buildable", action="store_true", help="Ignore images that can be built")
    add(
        "--ignore-pull-failures",
        action="store_true",
        help="Pull what it can and ignores images with pull failures",
    )
    add("--include-deps", action="store_true", help="Also pull services declared as dependencies")
    add("--no-parallel", action="store_true", help=argparse.SUPPRESS)
    add("--parallel", dest="in_parallel", action="store_true", help=argparse.SUPPRESS)
    add("--policy", choices=["missing", "always"], default="", help='Apply pull policy ("missing"|"always")')
    add("-q", "--quiet", action="store_true", help="Pull without printing progress information")
    add_services(parser)
