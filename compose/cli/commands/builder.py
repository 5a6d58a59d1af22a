"""`builder prune`: what builds keep for the next ones."""

import argparse
import time
from collections.abc import Sequence

from compose.cli.context import Context
from compose.cli.moments import moment_ns
from compose.cli.options import PROGRAM
from compose.cli.parser import Parser, UsageError
from compose.cli.sizes import size_of
from compose.errors import ProjectError
from compose.render.duration import precise_size
from schemas.engine.storage import CachePruning

_SUMMARY = "Remove build cache"
_DANGLING = "WARNING! This will remove all dangling build cache."
_ALL = "WARNING! This will remove all build cache."
_FILTERS = ("until", "unused-for")
"""Both say for how long nothing was of use; docker has the first for older versions."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-command and what follows it."""
    parser.epilog = f"Commands:\n  prune    {_SUMMARY}"
    parser.add_argument("subcommand", metavar="COMMAND")
    parser.add_argument("arguments", nargs="*")


def run(context: Context) -> int:
    """Remove steps that no image has, and the folders of cache mounts; with `--all` all steps."""
    options = context.options
    if options.subcommand != "prune":
        raise UsageError(f"unknown command `builder {options.subcommand}`", hint="there is `prune`")
    command = f"{PROGRAM} builder prune"
    parser = Parser(command, usage=f"{command} [OPTIONS]", summary=_SUMMARY)
    add = parser.add_argument
    add("-a", "--all", action="store_true", help="Remove all unused build cache, not just dangling ones")
    add("--filter", action="append", default=[], help='Provide filter values (e.g. "until=24h")')
    add("-f", "--force", action="store_true", help="Do not prompt for confirmation")
    add("--keep-storage", default="", metavar="bytes", help="Amount of disk space to keep for cache")
    parser.read(options.arguments, options)
    wanted = CachePruning(_unused_for_ns(options.filter), options.all, size_of("--keep-storage", options.keep_storage))
    if not options.force and not context.confirm(_ALL if options.all else _DANGLING):
        return 0
    pruned = context.images().prune_builds(wanted)
    if pruned.keys:
        context.out("Deleted build cache objects:")
        for key in pruned.keys:
            context.out(key)
        context.out("")
    context.out(f"Total reclaimed space: {precise_size(pruned.reclaimed_bytes)}")
    return 0


def _unused_for_ns(texts: Sequence[str]) -> int:
    """Return for how long a thing must have been of no use. Raises ProjectError."""
    given: dict[str, int] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if name not in _FILTERS or not equals:
            raise ProjectError(f"invalid filter `{text}`", hint=f"there are {', '.join(f'`{it}`' for it in _FILTERS)}")
        now = time.time_ns()
        given[name] = now - moment_ns(f"--filter {name}", value, now)
    if len(given) > 1:
        raise ProjectError("conflicting filters: `until` and `unused-for`")
    return next(iter(given.values()), 0)
