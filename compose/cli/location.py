"""From global options to the loader's, and to the project's name and folder without loading it."""

import argparse
import os
import sys

from compose.cli.fetching import Fetching
from compose.cli.options import pipes_of, wants_notes
from compose.loader import project_name
from compose.loader.options import LoadOptions
from compose.loader.project_name import Location
from compose.loader.source import MAX_FILE_BYTES, DiskReader


def load_options(
    options: argparse.Namespace,
    *,
    interpolate: bool = True,
    normalize: bool = True,
    resolve_paths: bool = True,
    check_consistency: bool = True,
    resolve_environment: bool = True,
) -> LoadOptions:
    """Return what the loader is asked for; the switches are its own."""
    if "-" in options.file and "stdin" not in options:
        # Once for all: the project may be located first and loaded later.
        options.stdin = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if "remote" not in options:
        options.remote = Fetching(os.environ, _tell if wants_notes(options) else lambda _: None)
    cwd = os.getcwd()  # noqa: PTH109 - the loader's paths are strings
    return LoadOptions(
        cwd=cwd,
        # A shell sets PWD, cron and systemd do not; docker compose lets files refer to it everywhere.
        environment={"PWD": cwd, **os.environ},
        files=tuple(options.file),
        project_name=options.project_name,
        project_directory=options.project_directory,
        env_files=tuple(options.env_file),
        profiles=tuple(options.profile),
        compatibility=options.compatibility,
        stdin=getattr(options, "stdin", b""),
        reader=DiskReader(pipes_of(options)),
        keep_unused=options.all_resources,
        remote=options.remote,
        interpolate=interpolate,
        normalize=normalize,
        resolve_paths=resolve_paths,
        check_consistency=check_consistency,
        resolve_environment=resolve_environment,
    )


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def locate(options: argparse.Namespace) -> Location:
    """Return name, folder and files. Raises ProjectError."""
    return project_name.locate(load_options(options))
