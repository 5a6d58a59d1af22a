"""Flags of `up`."""

import argparse

from compose.cli.options import add_creation, add_services, add_timeout
from compose.errors import ProjectError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add_creation(parser)
    add("-d", "--detach", action="store_true", help="Detached mode: Run containers in the background")
    add("--no-deps", action="store_true", help="Don't start linked services")
    add("--no-start", action="store_true", help="Don't start the services after creating them")
    add(
        "--always-recreate-deps",
        action="store_true",
        help="Recreate dependent containers. Incompatible with --no-recreate.",
    )
    add(
        "-V",
        "--renew-anon-volumes",
        action="store_true",
        help="Recreate anonymous volumes instead of retrieving data from the previous containers",
    )
    add_timeout(
        parser,
        "Use this timeout in seconds for container shutdown when attached or when containers are already running",
    )
    add("--wait", action="store_true", help="Wait for services to be running|healthy. Implies detached mode.")
    add("--wait-timeout", type=int, default=None, help="Maximum duration to wait for the project to be running|healthy")
    add("-w", "--watch", action="store_true", help="Not supported by this version")
    add("--menu", action="store_true", help=argparse.SUPPRESS)
    _add_attaching(parser)
    add_services(parser)


def _add_attaching(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--abort-on-container-exit",
        action="store_true",
        help="Stops all containers if any container was stopped. Incompatible with -d",
    )
    add(
        "--abort-on-container-failure",
        action="store_true",
        help="Stops all containers if any container exited with failure. Incompatible with -d",
    )
    add(
        "--attach",
        action="append",
        default=[],
        metavar="stringArray",
        help="Restrict attaching to the specified services. Incompatible with --attach-dependencies.",
    )
    add("--attach-dependencies", action="store_true", help="Automatically attach to log output of dependent services")
    add(
        "--exit-code-from",
        default="",
        help="Return the exit code of the selected service container. Implies --abort-on-container-exit",
    )
    add(
        "--no-attach",
        action="append",
        default=[],
        metavar="stringArray",
        help="Do not attach (stream logs) to the specified services",
    )
    add("--no-color", action="store_true", help="Produce monochrome output")
    add("--no-log-prefix", action="store_true", help="Don't print prefix in logs")
    add("--timestamps", action="store_true", help="Show timestamps")


def check(options: argparse.Namespace) -> None:
    """Settle what flags imply and refuse those that exclude each other. Raises ProjectError."""
    if options.exit_code_from:
        options.abort_on_container_exit = True
    if options.wait_timeout is not None and options.wait_timeout < 0:
        raise ProjectError("--wait-timeout must be a non-negative integer")
    if options.watch:
        raise ProjectError("this version of pycompose has no `--watch`")
    attaching = (
        options.abort_on_container_exit
        or options.abort_on_container_failure
        or options.attach_dependencies
        or options.attach
    )
    if options.wait:
        if attaching:
            raise _excluded("--wait")
        options.detach = True
    if options.detach and attaching:
        raise _excluded("--detach")
    for first, second in (
        ("force_recreate", "no_recreate"),
        ("always_recreate_deps", "no_recreate"),
        ("build", "no_build"),
        ("abort_on_container_exit", "abort_on_container_failure"),
        ("attach", "attach_dependencies"),
    ):
        if getattr(options, first) and getattr(options, second):
            raise ProjectError(f"{_flag(first)} and {_flag(second)} are incompatible")


def _excluded(flag: str) -> ProjectError:
    return ProjectError(f"{flag} cannot be combined with --abort-on-container-exit, --attach or --attach-dependencies")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
