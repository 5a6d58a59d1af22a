"""Flags of `config`."""

import argparse

from compose.cli.options import add_services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("--environment", action="store_true", help="Print environment used for interpolation")
    add("--format", metavar="string", default="", help="Format the output. Values: [yaml | json]")
    add("--hash", metavar="string", default="", help="Print the service config hash, one per line; `*` for all")
    add("--images", action="store_true", help="Print the image names, one per line")
    add("--models", action="store_true", help="Print the model names, one per line")
    add("--networks", action="store_true", help="Print the network names, one per line")
    add("--no-consistency", action="store_true", help="Don't check model consistency")
    add("--no-env-resolution", action="store_true", help="Don't resolve service env files")
    add("--no-interpolate", action="store_true", help="Don't interpolate environment variables")
    add("--no-normalize", action="store_true", help="Don't normalize compose model")
    add("--no-path-resolution", action="store_true", help="Don't resolve file paths")
    add("-o", "--output", metavar="string", default="", help="Save to file (default to stdout)")
    add("--profiles", action="store_true", help="Print the profile names, one per line")
    add("-q", "--quiet", action="store_true", help="Only validate the configuration, don't print anything")
    add("--schema", action="store_true", help="Print the JSON Schema of Compose files, for editors")
    add("--services", dest="only_services", action="store_true", help="Print the service names, one per line")
    add("--variables", action="store_true", help="Print model variables and default values")
    add("--volumes", action="store_true", help="Print the volume names, one per line")
    add_services(parser)
