"""Flags of `run`."""

import argparse

from compose.cli.options import add_pull, add_remove_orphans
from compose.errors import ProjectError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("--build", action="store_true", help="Build image before starting container")
    add("--quiet-build", action="store_true", help="Suppress progress output from the build process")
    add("--cap-add", action="append", default=[], metavar="list", help="Add Linux capabilities")
    add("--cap-drop", action="append", default=[], metavar="list", help="Drop Linux capabilities")
    add("-d", "--detach", action="store_true", help="Run container in background and print container ID")
    add("--entrypoint", default=None, help="Override the entrypoint of the image")
    add("-e", "--env", action="append", default=[], metavar="stringArray", help="Set environment variables")
    add(
        "--env-from-file",
        action="append",
        default=[],
        metavar="stringArray",
        help="Set environment variables from file",
    )
    add("-i", "--interactive", action="store_true", default=True, help="Keep STDIN open even if not attached")
    add("-l", "--label", action="append", default=[], metavar="stringArray", help="Add or override a label")
    add("--name", default="", help="Assign a name to the container")
    add(
        "-T",
        "--no-TTY",
        "--no-tty",
        dest="no_tty",
        action="store_true",
        help="Disable pseudo-TTY allocation (default: auto-detected)",
    )
    add("--no-deps", action="store_true", help="Don't start linked services")
    add("-p", "--publish", action="append", default=[], metavar="stringArray", help="Publish a container's port(s)")
    add_pull(parser)
    add("-q", "--quiet", action="store_true", help="Don't print anything to STDOUT")
    add_remove_orphans(parser)
    add("--rm", dest="remove", action="store_true", help="Automatically remove the container when it exits")
    add(
        "-P",
        "--service-ports",
        action="store_true",
        help="Run command with all service's ports enabled and mapped to the host",
    )
    add("-t", "--tty", action="store_true", default=True, help=argparse.SUPPRESS)
    add("--use-aliases", action="store_true", help="Use the service's network aliases in the networks it connects to")
    add("-u", "--user", default="", help="Run as specified username or uid")
    add("-v", "--volume", action="append", default=[], metavar="stringArray", help="Bind mount a volume")
    add("-w", "--workdir", default="", help="Working directory inside the container")
    add("service", metavar="SERVICE")
    add("arguments", nargs="*", metavar="COMMAND")


def check(options: argparse.Namespace) -> None:
    """Refuse flags that exclude each other. Raises ProjectError."""
    if options.service_ports and options.publish:
        raise ProjectError("--service-ports and --publish are incompatible")
