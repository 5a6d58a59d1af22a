"""`config`: the model as the loader makes it of the files, and what its services' containers hash to.

Lists, variables and the mere check need no models: compose.cli.listed and compose.cli.checked have answered them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from compose import labels
from compose.cli import image_digests
from compose.cli.arguments.config import switches, warn_of_names
from compose.cli.context import Context
from compose.cli.output import deliver
from compose.cli.provenance import json_text
from compose.cli.resolved import collector_resting
from compose.errors import ProjectError
from compose.loader.project import LoadResult
from compose.loader.selection import enabling
from compose.loader.yaml_writer import dump
from compose.orchestration.specs.container import container_spec
from compose.orchestration.specs.surroundings import Surroundings
from schemas.composefile.project import Project


def run(context: Context) -> int:
    """Load the project and print the model, or hashes."""
    text = _hashes(context) if context.options.hash else _model(context)
    deliver(context, text)
    return 0


def _model(context: Context) -> str:
    options = context.options
    if options.format not in ("", "yaml", "json"):
        raise ProjectError(f'unsupported format "{options.format}"', hint="it is `yaml` or `json`")
    if options.no_interpolate:
        warn_of_names(context, "--no-interpolate")
    result = context.load(options.services, None, **switches(options))
    context.advise(result)
    if options.resolve_image_digests or options.lock_image_digests:
        return _pinned(context, result)
    with collector_resting():
        text = json_text(result.model) if options.format == "json" else result.yaml
    return "" if options.quiet else text


def _pinned(context: Context, result: LoadResult) -> str:
    """Print the model, or its images alone, with digests in place of names that may move."""
    options = context.options
    if result.loaded is None:
        raise ProjectError("images are looked up by their whole name, which `--no-interpolate` leaves open")
    project = image_digests.pinned(result.loaded)
    if options.lock_image_digests:
        lock = image_digests.lock_file(project)
        return json_text(lock) if options.format == "json" else dump(lock)
    pinned = replace(result, loaded=project)
    return json_text(pinned.model) if options.format == "json" else pinned.yaml


def _hashes(context: Context) -> str:
    """`service hash` lines, sorted; what a container is made of is interpolated always."""
    options = context.options
    result = context.load((), None, **switches(options) | {"interpolate": True})
    enabled, disabled = result.section("services"), result.section("disabled_services")
    names = list(enabled) if options.hash == "*" else options.hash.split(",")
    for name in names:
        if name not in enabled:
            reason = ": disabled" if name in disabled else ""
            hint = enabling(name, enabled, {**disabled, **enabled})
            raise ProjectError(f"no such service: {name}{reason}", hint=hint)
    return "".join(f"{line}\n" for line in _lines(result.project, names))


def _lines(project: Project, names: Sequence[str]) -> Iterator[str]:
    surroundings = Surroundings(project)
    for name in sorted(set(names)):
        spec = container_spec(surroundings, project.service(name))
        yield f"{name} {spec.labels[labels.CONFIG_HASH]}"
