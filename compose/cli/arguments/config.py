"""Flags of `config`, and what they ask of the loader."""

import argparse

from compose.cli.context import Context
from compose.cli.options import add_services
from compose.errors import Warning  # noqa: A004 - the word of the domain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("--environment", action="store_true", help="Print environment used for interpolation")
    add("--format", metavar="string", default="", help="Format the output. Values: [yaml | json]")
    add("--hash", metavar="string", default="", help="Print the service config hash, one per line; `*` for all")
    add("--images", action="store_true", help="Print the image names, one per line")
    add("--lock-image-digests", action="store_true", help="Produces an override file with image digests")
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
    add("--resolve-image-digests", action="store_true", help="Pin image tags to digests")
    add("--schema", action="store_true", help="Print the JSON Schema of Compose files, for editors")
    add("--services", dest="only_services", action="store_true", help="Print the service names, one per line")
    add("--variables", action="store_true", help="Print model variables and default values")
    add("--volumes", action="store_true", help="Print the volume names, one per line")
    add_services(parser)


def switches(options: argparse.Namespace) -> dict[str, bool]:
    """The loader's switches for the whole model."""
    return {
        "interpolate": not options.no_interpolate,
        # As docker compose: `--compatibility` shows the model before what Compose v2 implies.
        "normalize": not (options.no_normalize or options.compatibility),
        "resolve_paths": not options.no_path_resolution,
        "check_consistency": not options.no_consistency,
        "resolve_environment": not options.no_env_resolution,
    }


def warn_of_names(context: Context, flag: str) -> None:
    """Services are named beside a flag that shows all of them."""
    if context.options.services:
        context.warn(Warning(f"the services named do not count beside `{flag}`: the whole model is shown"))
