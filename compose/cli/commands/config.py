"""`config`: what the loader makes of the files, or one list out of it.

Where several lists are asked for, the first in docker compose's order is printed; `-q` silences the model, no list.
"""

from collections.abc import Sequence

from compose.cli import listings, provenance
from compose.cli.context import Context
from compose.cli.output import deliver
from compose.cli.resolved import collector_resting
from compose.errors import ProjectError, Warning  # noqa: A004 - the word of the domain
from compose.loader.project import LoadResult


def run(context: Context) -> int:
    """Load the project and print the part asked for."""
    text = _list(context)
    if text is None:
        model = _model(context)
        text = "" if context.options.quiet else model
    deliver(context, text)
    return 0


def _list(context: Context) -> str | None:
    """The list that a flag asks for; None where the model is wanted."""
    options = context.options
    if listing := listings.wanted(options):
        names = options.services if listing.of_named_services else ()
        whole = listing.of_resolved_services
        result = _load(context, names, interpolate=whole or not options.no_interpolate, with_files=whole)
        return "".join(f"{line}\n" for line in listing.lines(result, options))
    if options.variables:
        _warn_of_names(context, "--variables")
        return provenance.variables(context, _load(context, (), interpolate=False, with_files=False))
    if options.environment:
        return provenance.environment(context, _load(context, options.services, interpolate=True, with_files=True))
    return None


def _model(context: Context) -> str:
    options = context.options
    if options.format not in ("", "yaml", "json"):
        raise ProjectError(f'unsupported format "{options.format}"', hint="it is `yaml` or `json`")
    if options.no_interpolate:
        _warn_of_names(context, "--no-interpolate")
    result = _load(context, options.services, interpolate=not options.no_interpolate, with_files=True)
    context.advise(result)
    with collector_resting():
        return provenance.json_text(result.model) if options.format == "json" else result.yaml


def _load(context: Context, services: Sequence[str], *, interpolate: bool, with_files: bool) -> LoadResult:
    options = context.options
    return context.load(
        services,
        interpolate=interpolate,
        # As docker compose: `--compatibility` shows the model before what Compose v2 implies.
        normalize=not (options.no_normalize or options.compatibility),
        resolve_paths=not options.no_path_resolution,
        check_consistency=not options.no_consistency,
        resolve_environment=with_files and not options.no_env_resolution,
    )


def _warn_of_names(context: Context, flag: str) -> None:
    if context.options.services:
        context.warn(Warning(f"the services named do not count beside `{flag}`: the whole model is shown"))
