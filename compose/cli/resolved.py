"""The project as data: read and checked, without the models. What most questions about it need."""

import argparse
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from compose.cli.location import load_options
from compose.loader import pipeline
from compose.loader.pipeline import Resolved


def resolve(options: argparse.Namespace, services: Sequence[str] = (), **switches: bool) -> Resolved:
    """Resolve the project with `services` and what they depend on, all of them where none is named."""
    with collector_resting():
        return pipeline.resolve(load_options(options, **switches), services)


@contextmanager
def collector_resting() -> Iterator[None]:
    """Loading makes large trees and no garbage, and the collector would look at all of them again and again.

    Of 3000 services, it takes longer than all the rest. What was loaded stays until the command ends.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()
