"""Flags that several commands share, and the global ones."""

import argparse
import os
from collections.abc import Mapping

from compose.cli.parser import Parser, UsageError
from compose.errors import EXIT_FAILURE, ProjectError
from compose.render.mode import ANSI_MODES, PROGRESS_MODES

PROGRAM = "pycompose"
PULL_POLICIES = ("policy", "always", "missing", "never", "build")


def global_parser() -> Parser:
    """Return the parser of what stands before the command."""
    parser = Parser(
        PROGRAM,
        usage=f"{PROGRAM} [OPTIONS] COMMAND",
        summary="Define and run multi-container applications, without a container engine",
        interspersed=False,
    )
    add = parser.add_argument
    add("--all-resources", action="store_true", help="Include all resources, even those not used by services")
    add("--ansi", metavar="string", default="", help=f"Control when to print ANSI control characters {_of(ANSI_MODES)}")
    add("--compatibility", action="store_true", help="Run compose in backward compatibility mode")
    add("--dry-run", action="store_true", help="Execute command in dry run mode")
    add("--env-file", action="append", metavar="stringArray", default=[], help="Specify an alternate environment file")
    add("-f", "--file", action="append", metavar="stringArray", default=[], help="Compose configuration files")
    add("--parallel", type=int, default=None, help="Control max parallelism, -1 for unlimited")
    add("--profile", action="append", metavar="stringArray", default=[], help="Specify a profile to enable")
    add("--progress", metavar="string", default="", help=f"Set type of progress output {_of(PROGRESS_MODES)}")
    add(
        "--project-directory",
        "--workdir",
        default="",
        help="Specify an alternate working directory (default: the path of the, first specified, Compose file)",
    )
    add("-p", "--project-name", default="", help="Project name")
    add("--verbose", action="store_true", help="Show the traceback of an unexpected error")
    add("-v", "--version", action="store_true", help="Show the version information")
    add("command", nargs="?", default="")
    add("rest", nargs="*")
    return parser


def settle_globals(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> None:
    """Fill global options that were not given from their COMPOSE_* variables, and check their values.

    COMPOSE_FILE, COMPOSE_PROJECT_NAME and COMPOSE_PROFILES are left to the loader, since `.env` may set
    them too. Raises ProjectError for a value that does not exist.
    """
    options.ansi = _one_of("--ansi", options.ansi or environment.get("COMPOSE_ANSI") or "auto", ANSI_MODES)
    progress = options.progress or environment.get("COMPOSE_PROGRESS") or "auto"
    options.progress = _one_of("--progress", progress, PROGRESS_MODES)
    if options.parallel is None:
        text = environment.get("COMPOSE_PARALLEL_LIMIT") or "-1"
        try:
            options.parallel = int(text)
        except ValueError as error:
            raise ProjectError(f"COMPOSE_PARALLEL_LIMIT must be an integer, not `{text}`") from error
    options.compatibility = options.compatibility or is_true(environment.get("COMPOSE_COMPATIBILITY", ""))


def is_true(text: str) -> bool:
    """Read a boolean environment variable as docker compose does (utils.StringToBool)."""
    return text.strip().lower() in {"true", "1", "y", "yes"}


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    """`--dry-run` is the one global flag that may also follow the command."""
    parser.add_argument(
        "--dry-run", action="store_true", default=argparse.SUPPRESS, help="Execute command in dry run mode"
    )


def add_services(parser: argparse.ArgumentParser) -> None:
    """`[SERVICE...]`."""
    parser.add_argument("services", nargs="*", metavar="SERVICE")


def add_timeout(parser: argparse.ArgumentParser, explanation: str = "Specify a shutdown timeout in seconds") -> None:
    """`-t`; None is each service's own stop_grace_period."""
    parser.add_argument("-t", "--timeout", type=int, default=None, help=explanation)


def add_format(parser: argparse.ArgumentParser) -> None:
    """`--format`: table, json or a template of the fields."""
    parser.add_argument("--format", default="table", help="Format output: table, json, or a Go template")


def add_index(parser: argparse.ArgumentParser) -> None:
    """`--index`; 0 is the first there is."""
    parser.add_argument("--index", type=int, default=0, help="Index of the container if service has multiple replicas")


def add_creation(parser: argparse.ArgumentParser) -> None:
    """Flags of the commands that create the containers of services."""
    add = parser.add_argument
    add("--build", action="store_true", help="Build images before starting containers")
    add(
        "--force-recreate",
        action="store_true",
        help="Recreate containers even if their configuration and image haven't changed",
    )
    add("--no-build", action="store_true", help="Don't build an image, even if it's policy")
    add(
        "--no-recreate",
        action="store_true",
        help="If containers already exist, don't recreate them. Incompatible with --force-recreate.",
    )
    add_pull(parser)
    add("--quiet-build", action="store_true", help=argparse.SUPPRESS)
    add_remove_orphans(parser)
    add(
        "--scale",
        action="append",
        default=[],
        metavar="scale",
        help="Scale SERVICE to NUM instances. Overrides the scale setting in the Compose file if present.",
    )
    add("-y", "--yes", action="store_true", help='Assume "yes" as answer to all prompts')


def add_pull(parser: argparse.ArgumentParser) -> None:
    """`--pull` and `--quiet-pull`."""
    parser.add_argument("--pull", choices=PULL_POLICIES, default="policy", help="Pull image before running")
    parser.add_argument("--quiet-pull", action="store_true", help="Pull without printing progress information")


def add_platform(parser: argparse.ArgumentParser) -> None:
    """`--platform`; empty is DOCKER_DEFAULT_PLATFORM, or this machine."""
    default = os.environ.get("DOCKER_DEFAULT_PLATFORM", "")
    parser.add_argument("--platform", default=default, help="Set platform if server is multi-platform capable")


def add_remove_orphans(parser: argparse.ArgumentParser) -> None:
    """`--remove-orphans`."""
    parser.add_argument(
        "--remove-orphans", action="store_true", help="Remove containers for services not defined in the Compose file"
    )


def settle_orphans(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> None:
    """Set `options.ignore_orphans`, and `remove_orphans` by its variable. Raises ProjectError for both at once."""
    options.remove_orphans = options.remove_orphans or is_true(environment.get("COMPOSE_REMOVE_ORPHANS", ""))
    options.ignore_orphans = is_true(environment.get("COMPOSE_IGNORE_ORPHANS", ""))
    if options.ignore_orphans and options.remove_orphans:
        raise ProjectError("cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans")


def scales(values: list[str], flag: str = "--scale") -> dict[str, int]:
    """Return {service: replicas} from `web=3`. Raises UsageError for anything else."""
    wanted: dict[str, int] = {}
    for value in values:
        service, equals, count = value.partition("=")
        if not equals or not service:
            raise UsageError(f'invalid {flag} option "{value}". Should be SERVICE=NUM', exit_code=EXIT_FAILURE)
        if not count.isdecimal():
            raise UsageError(f"{flag}: `{count}` is not a number of containers", exit_code=EXIT_FAILURE)
        wanted[service] = int(count)
    return wanted


def _of(choices: tuple[str, ...]) -> str:
    return f"({'|'.join(choices)})"


def _one_of(flag: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ProjectError(f'unsupported {flag} value "{value}"', hint=f"it is one of {', '.join(choices)}")
    return value


def pipes_of(options: argparse.Namespace) -> dict[str, bytes]:
    """Return what the command's pipes have given so far: a project may be located first and loaded later."""
    pipes: dict[str, bytes] = vars(options).setdefault("pipes", {})
    return pipes


def wants_notes(options: argparse.Namespace) -> bool:
    """Whether a person may be told what is neither asked for nor wrong, on standard error: not with `-q`."""
    quiet = vars(options).get("quiet") is True
    return options.progress != "quiet" and not quiet and not wants_objects(options)


def wants_objects(options: argparse.Namespace) -> bool:
    """Whether errors and warnings are for programs: with `--progress json`, and of `config --format json`."""
    given = vars(options)
    return given["progress"] == "json" or (
        given.get("command") in {"config", "convert"} and given.get("format") == "json"
    )
