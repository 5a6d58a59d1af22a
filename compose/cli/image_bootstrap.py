"""`image bootstrap`: a base image from the packages of a mirror, for a machine that reaches no registry."""

import argparse

from compose.cli.context import Context
from compose.cli.interrupts import interruptible
from compose.cli.options import add_platform
from compose.orchestration.interruption import Interruption
from schemas.engine.bootstraps import BootstrapSpec


class Steps:
    """Says on standard error how far it is."""

    def __init__(self, context: Context, interruption: Interruption, *, quiet: bool) -> None:
        self._context = context
        self._interruption = interruption
        self._quiet = quiet

    @property
    def is_cancelled(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._interruption.is_set

    def on(self, step: str) -> None:
        """Print a step."""
        if not self._quiet:
            self._context.note(step)


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_platform(parser)
    parser.add_argument(
        "--include", "--package", action="append", default=[], metavar="PACKAGE", help="Install more packages"
    )
    parser.add_argument("--mirror", default="", help="Take packages from this URL, not from the machine's own mirror")
    parser.add_argument("--pull", action="store_true", help="Make it anew when the mirror has newer packages")
    parser.add_argument("-q", "--quiet", action="store_true", help="Only print the image ID")
    parser.add_argument("-t", "--tag", action="append", default=[], help="Name and optionally a tag of the image")
    parser.add_argument("--variant", default="minbase", help="Set of packages to install, as mmdebstrap names them")
    parser.add_argument("base", metavar="debian:SUITE[-slim]|ubuntu:SUITE")


def perform(context: Context) -> None:
    """Make the image and print its id."""
    options = context.options
    spec = BootstrapSpec(
        base=options.base,
        references=tuple(options.tag),
        mirror=options.mirror,
        variant=options.variant,
        packages=tuple(name for text in options.include for name in text.replace(",", " ").split()),
        platform=options.platform,
        refresh=options.pull,
    )
    with interruptible() as interruption:
        record = context.images().bootstrap_image(spec, Steps(context, interruption, quiet=options.quiet))
    context.out(record.id)
