"""`image pull` and `image push`: one image from or to a registry, with Docker's lines."""

import argparse
import threading

from compose.cli.context import Context
from compose.cli.interrupts import interruptible
from compose.cli.options import add_platform
from compose.orchestration.interruption import Interruption
from schemas.engine.transfers import TransferEvent, TransferStage


class LayerLines:
    """Prints a line whenever a layer reaches another stage: what `docker pull` writes into a pipe."""

    def __init__(self, context: Context, interruption: Interruption, *, quiet: bool) -> None:
        self._context = context
        self._interruption = interruption
        self._quiet = quiet
        self._shown: dict[str, TransferStage] = {}
        self._lock = threading.Lock()

    @property
    def is_cancelled(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._interruption.is_set

    def on(self, event: TransferEvent) -> None:
        """Print the line, unless it is the one printed last for that layer."""
        if event.stage is TransferStage.WARNED:
            self._context.note(f"WARNING: registry `{event.layer}`: {event.source}")
            return
        with self._lock:
            if self._quiet or self._shown.get(event.layer) is event.stage:
                return
            self._shown[event.layer] = event.stage
            self._context.out(f"{event.layer}: {' '.join(filter(None, (event.stage.value, event.source)))}")
            self._context.flush()


def declare_pull(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_platform(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="Suppress verbose output")
    parser.add_argument("reference", metavar="NAME[:TAG|@DIGEST]")


def pull(context: Context) -> None:
    """Pull the image and say what came of it."""
    options = context.options
    with interruptible() as interruption:
        lines = LayerLines(context, interruption, quiet=options.quiet)
        pulled = context.images().pull_image(options.reference, platform=options.platform, listener=lines)
    name = options.reference
    if not options.quiet:
        context.out(f"Digest: {pulled.digest}")
        context.out(f"Status: {'Downloaded newer image' if pulled.is_new else 'Image is up to date'} for {name}")
    context.out(name)


def declare_push(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("-q", "--quiet", action="store_true", help="Suppress verbose output")
    parser.add_argument("reference", metavar="NAME[:TAG]")


def push(context: Context) -> None:
    """Push the image and say what it is there."""
    options = context.options
    name, _, tag = options.reference.rpartition(":")
    repository, tag = (name, tag) if name and "/" not in tag else (options.reference, "latest")
    if not options.quiet:
        context.out(f"The push refers to repository [{repository}]")
    with interruptible() as interruption:
        lines = LayerLines(context, interruption, quiet=options.quiet)
        pushed = context.images().push_image(options.reference, listener=lines)
    context.out(options.reference if options.quiet else f"{tag}: digest: {pushed.digest} size: {pushed.size_bytes}")
