"""Loading the whole project: the door to the loader, pydantic and all."""

import argparse
from collections.abc import Sequence

from compose.cli.location import load_options
from compose.loader import pipeline
from compose.loader.pipeline import LoadResult


def load(options: argparse.Namespace, services: Sequence[str] = (), **switches: bool) -> LoadResult:
    """Load the project with `services` and what they depend on, all of them where none is named."""
    return pipeline.load(load_options(options, **switches), services)
