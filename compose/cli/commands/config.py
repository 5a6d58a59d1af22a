"""`config`: what the loader makes of the files."""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from compose import labels
from compose.cli.context import Context
from compose.cli.options import add_services
from compose.errors import ProjectError
from compose.loader.pipeline import LoadResult
from compose.loader.template import Variable, variables_of
from compose.orchestration.specs.container import container_spec
from compose.orchestration.specs.surroundings import Surroundings, image_of
from compose.render.table import table
from schemas.composefile.project import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("--environment", action="store_true", help="Print environment used for interpolation")
    add("--format", choices=["yaml", "json"], default="", help="Format the output")
    add("--hash", metavar="string", default="", help="Print the service config hash, one per line; `*` for all")
    add("--images", action="store_true", help="Print the image names, one per line")
    add("--networks", action="store_true", help="Print the network names, one per line")
    add("--no-consistency", action="store_true", help="Don't check model consistency")
    add("--no-env-resolution", action="store_true", help="Don't resolve service env files")
    add("--no-interpolate", action="store_true", help="Don't interpolate environment variables")
    add("--no-normalize", action="store_true", help="Don't normalize compose model")
    add("--no-path-resolution", action="store_true", help="Don't resolve file paths")
    add("-o", "--output", metavar="string", default="", help="Save to file (default to stdout)")
    add("--profiles", action="store_true", help="Print the profile names, one per line")
    add("-q", "--quiet", action="store_true", help="Only validate the configuration, don't print anything")
    add("--services", dest="only_services", action="store_true", help="Print the service names, one per line")
    add("--variables", action="store_true", help="Print model variables and default values")
    add("--volumes", action="store_true", help="Print the volume names, one per line")
    add_services(parser)


def run(context: Context) -> int:
    """Load the project and print the part asked for."""
    options = context.options
    text = _variables(context) if options.variables else _part(context)
    if options.quiet:
        return 0
    if options.output:
        Path(options.output).write_text(text, encoding="utf-8")
    else:
        context.write(text)
    return 0


def _part(context: Context) -> str:
    options = context.options
    lists: Mapping[str, Callable[[Project], list[str]]] = {
        "only_services": lambda project: sorted(project.services),
        "volumes": lambda project: sorted(project.volumes),
        "networks": lambda project: sorted(project.networks),
        "images": lambda project: sorted({image_of(project, each) for each in project.services.values()}),
        "profiles": lambda project: sorted({name for each in project.all_services.values() for name in each.profiles}),
        "hash": lambda project: _hashes(project, options.hash),
    }
    for flag, list_of in lists.items():
        if getattr(options, flag):
            return _lines(list_of(_load(context, with_files=flag == "hash").project))
    result = _load(context, with_files=not options.no_env_resolution)
    if options.environment:
        return _lines(sorted(f"{name}={value}" for name, value in result.variables.items()))
    return _json(result.model) if options.format == "json" else result.yaml


def _load(context: Context, *, with_files: bool) -> LoadResult:
    options = context.options
    listing = options.hash or any(
        getattr(options, flag) for flag in ("only_services", "volumes", "networks", "images", "profiles")
    )
    return context.load(
        options.services,
        interpolate=bool(listing) or not options.no_interpolate,
        # As docker compose: `--compatibility` shows the model before what Compose v2 implies.
        normalize=bool(listing) or not (options.no_normalize or options.compatibility),
        resolve_paths=not options.no_path_resolution,
        check_consistency=not options.no_consistency,
        resolve_environment=with_files,
    )


def _hashes(project: Project, wanted: str) -> list[str]:
    names = sorted(project.services) if wanted == "*" else wanted.split(",")
    for name in names:
        if name not in project.services:
            raise ProjectError(f"no such service: {name}")
    surroundings = Surroundings(project)
    return [f"{name} {_hash(surroundings, name)}" for name in names]


def _hash(surroundings: Surroundings, name: str) -> str:
    return container_spec(surroundings, surroundings.project.service(name)).labels[labels.CONFIG_HASH]


def _variables(context: Context) -> str:
    """The variables that the files refer to, with what they default to and what they are now."""
    result = context.load(context.options.services, interpolate=False, resolve_environment=False)
    found: dict[str, Variable] = {}
    _collect(result.tree, found)
    if context.options.format == "json":
        return _json({name: _row(each, result) for name, each in sorted(found.items())})
    header = ("NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE", "VALUE", "SOURCE")
    rows = [tuple(_row(each, result).values()) for _, each in sorted(found.items())]
    return table([header, *(tuple(str(cell) for cell in row) for row in rows)])


def _row(variable: Variable, result: LoadResult) -> dict[str, str]:
    known = variable.name in result.variables
    return {
        "Name": variable.name,
        "Required": str(variable.required).lower(),
        "DefaultValue": variable.default,
        "AlternateValue": variable.alternative,
        "Value": result.variables.get(variable.name, ""),
        "Source": result.origins.get(variable.name, "shell") if known else "",
    }


def _collect(value: object, found: dict[str, Variable]) -> None:
    if isinstance(value, str):
        for variable in variables_of(value):
            known = found.setdefault(variable.name, variable)
            found[variable.name] = Variable(
                variable.name,
                known.required or variable.required,
                known.default or variable.default,
                known.alternative or variable.alternative,
            )
    elif isinstance(value, dict):
        for item in value.values():
            _collect(item, found)
    elif isinstance(value, list):
        for item in value:
            _collect(item, found)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
