"""From the flags of `up`, `create`, `scale`, `run` to the options of their verbs."""

import argparse
import sys

from compose.cli.context import Context
from compose.cli.options import scales
from compose.errors import ProjectError
from compose.loader.source import SourceReader
from compose.orchestration.options import BuildWhen, ReconcileOptions, Recreate
from compose.orchestration.pull_policy import with_policy
from compose.orchestration.verbs.scale import scaled
from schemas.composefile.project import Project


def load_project(context: Context, reader: SourceReader | None = None) -> Project:
    """Load the project, through `reader` if one is given, with the numbers of `--scale`."""
    options = context.options
    project = context.load(reader=reader).project
    context.tell_fetched()
    return scaled(with_policy(project, options.pull), scales(options.scale))


def build_when(options: argparse.Namespace) -> BuildWhen:
    """Return which images are built first. Raises ProjectError for flags that exclude each other."""
    never = getattr(options, "no_build", False)
    if options.build and never:
        raise ProjectError("--build and --no-build are incompatible")
    if never:
        return BuildWhen.NEVER
    return BuildWhen.ALWAYS if options.build or options.pull == "build" else BuildWhen.MISSING


def reconcile_options(options: argparse.Namespace) -> ReconcileOptions:
    """Return what `create` and `up` have in common; `up` adds its own."""
    recreate = Recreate.DIVERGED
    if options.force_recreate:
        recreate = Recreate.FORCE
    elif options.no_recreate:
        recreate = Recreate.NEVER
    return ReconcileOptions(
        services=tuple(options.services),
        build=build_when(options),
        quiet_build=options.quiet_build,
        recreate=recreate,
        recreate_dependencies=Recreate.NEVER if options.no_recreate else Recreate.DIVERGED,
        quiet_pull=options.quiet_pull,
        remove_orphans=options.remove_orphans,
        ignore_orphans=options.ignore_orphans,
    )


def consent(context: Context, volume: str) -> bool:
    """Ask whether a volume that differs from the file may be made anew, with the loss of its data."""
    if context.options.yes:
        return True
    if not sys.stdin.isatty():
        return False
    return context.confirm(
        f"Volume {volume} exists but doesn't match the Compose file. Recreate it (data will be lost)?"
    )
