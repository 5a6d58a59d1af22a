"""Loading the whole project: the door to the loader, pydantic and all."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from compose.cli.location import load_options
from compose.cli.resolved import collector_resting
from compose.loader import project as project_loader
from compose.loader.project import LoadResult
from compose.loader.source import SourceReader
from compose.orchestration.hooks import exec_spec
from schemas.composefile.project import Project
from schemas.engine.specs import ExecSpec


def load(
    options: argparse.Namespace, services: Sequence[str] = (), reader: SourceReader | None = None, **switches: bool
) -> LoadResult:
    """Load the project with `services` and what they depend on, all of them where none is named."""
    wanted = load_options(options, **switches)
    with collector_resting():
        return project_loader.load(replace(wanted, reader=reader) if reader else wanted, services)


def hooks_of(project: Project) -> dict[str, dict[str, list[ExecSpec]]]:
    """Return `pre_stop` and `post_start`: service to the processes of its hooks."""
    services = project.services.values()
    return {
        "pre_stop": {service.name: [exec_spec(hook) for hook in service.pre_stop or ()] for service in services},
        "post_start": {service.name: [exec_spec(hook) for hook in service.post_start or ()] for service in services},
    }
