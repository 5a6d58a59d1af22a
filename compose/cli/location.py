"""From global options to the loader's, and to the project's name and folder without loading it."""

import argparse
import os
import sys
from dataclasses import replace

from compose.loader import project_name
from compose.loader.options import LoadOptions
from compose.loader.project_name import Location


def load_options(options: argparse.Namespace, **switches: bool) -> LoadOptions:
    """Return what the loader is asked for; `switches` are its own (`interpolate`, `normalize` …)."""
    if "-" in options.file and "stdin" not in options:
        # Once for all: the project may be located first and loaded later.
        options.stdin = sys.stdin.buffer.read()
    given = LoadOptions(
        cwd=os.getcwd(),  # noqa: PTH109 - the loader's paths are strings
        environment=os.environ,
        files=tuple(options.file),
        project_name=options.project_name,
        project_directory=options.project_directory,
        env_files=tuple(options.env_file),
        profiles=tuple(options.profile),
        compatibility=options.compatibility,
        stdin=getattr(options, "stdin", b""),
        keep_unused=options.all_resources,
    )
    return replace(given, **switches)


def locate(options: argparse.Namespace) -> Location:
    """Return name, folder and files. Raises ProjectError."""
    return project_name.locate(load_options(options))
