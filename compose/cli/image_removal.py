"""`image rm`, `image tag` and `image prune`."""

import argparse
from dataclasses import replace

from compose.cli.context import Context
from compose.cli.image_filters import PRUNING, read_filters
from compose.errors import ProjectError
from compose.render.duration import precise_size
from runtime.errors import EngineError

_DANGLING = "WARNING! This will remove all dangling images."
_UNUSED = "WARNING! This will remove all images without at least one container associated to them."


def declare_rm(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("-f", "--force", action="store_true", help="Force removal of the image")
    parser.add_argument("--no-prune", action="store_true", help="Do not delete untagged parents (there are none)")
    parser.add_argument("references", nargs="+", metavar="IMAGE")


def rm(context: Context) -> None:
    """Remove images; one that cannot be removed keeps no other from it."""
    options = context.options
    failures: list[EngineError] = []
    for reference in options.references:
        try:
            for line in context.images().remove_image(reference, force=options.force):
                context.out(line)
        except EngineError as error:
            failures.append(error)
    if failures:
        raise ProjectError("\n".join(error.message for error in failures), hint=failures[0].hint)


def declare_tag(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("source", metavar="SOURCE_IMAGE[:TAG]")
    parser.add_argument("reference", metavar="TARGET_IMAGE[:TAG]")


def tag(context: Context) -> None:
    """Let another name lead to an image."""
    context.images().tag_image(context.options.source, context.options.reference)


def declare_prune(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("-a", "--all", action="store_true", help="Remove all unused images, not just dangling ones")
    add("--filter", action="append", default=[], help='Provide filter values (e.g. "until=24h")')
    add("-f", "--force", action="store_true", help="Do not prompt for confirmation")


def prune(context: Context) -> None:
    """Remove images that no container uses."""
    options = context.options
    asked = read_filters(options.filter, PRUNING, context.reader().image)
    # `dangling=false` means `--all` to docker.
    every = options.all or asked.dangling is False
    wanted = replace(asked, dangling=None if every else True)
    if not options.force and not context.confirm(_UNUSED if every else _DANGLING):
        return
    pruned = context.images().prune_images(wanted.matches)
    if pruned.lines:
        context.out("Deleted Images:")
        for line in pruned.lines:
            context.out(line[0].lower() + line[1:])
        context.out("")
    context.out(f"Total reclaimed space: {precise_size(pruned.reclaimed_bytes)}")
