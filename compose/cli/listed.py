"""`config --services`, `--volumes`, …: one name a line, sorted; `--variables`, `--environment`. Known without models.

Source: docker compose, cmd/compose/config.go: also which list comes first, and which of them heed named services.
"""

import argparse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from compose.cli import provenance
from compose.cli.arguments.config import switches, warn_of_names
from compose.cli.context import Context
from compose.cli.exit_codes import SUCCESS
from compose.cli.output import deliver
from compose.loader import selection
from compose.loader.tree_path import Tree
from compose.naming import image_name

if TYPE_CHECKING:
    from compose.loader.pipeline import Resolved

Names: TypeAlias = "Callable[[Resolved, argparse.Namespace], Iterator[str]]"


def report(context: Context) -> int | None:
    """Print the list that is asked for first; return the exit code, None without one. Raises what is wrong."""
    options = context.options
    flag = next((each for each in _ORDER if getattr(options, each)), None)
    if flag is None or flag == "hash":
        return None
    deliver(context, _text(context, flag))
    return SUCCESS


def _text(context: Context, flag: str) -> str:
    options = context.options
    whole = switches(options)
    if flag == "variables":
        warn_of_names(context, "--variables")
        return provenance.variables(
            context, context.resolve((), **whole | {"interpolate": False, "resolve_environment": False})
        )
    if flag == "environment":
        return provenance.environment(context, context.resolve(options.services, **whole | {"interpolate": True}))
    services = options.services if flag in _OF_NAMED_SERVICES else ()
    result = context.resolve(services, **whole | {"resolve_environment": False})
    return "".join(f"{name}\n" for name in sorted(set(_NAMES[flag](result, options))))


def _section(name: str) -> Names:
    return lambda result, _: iter(_model(result).get(name) or ())


def _models(result: "Resolved", _: argparse.Namespace) -> Iterator[str]:
    models: Tree = _model(result).get("models") or {}
    return (each["model"] for each in models.values() if each and each.get("model"))


def _profiles(result: "Resolved", _: argparse.Namespace) -> Iterator[str]:
    # Those of services that are off too.
    services: Tree = result.tree.get("services") or {}
    return (name for each in services.values() for name in each.get("profiles") or ())


def _images(result: "Resolved", options: argparse.Namespace) -> Iterator[str]:
    project: str = result.tree["name"]
    for name, service in _model(result)["services"].items():
        if result.fields is None and options.services and name not in options.services:
            continue
        yield service.get("image") or image_name(project, name, compatibility=options.compatibility)
        yield from (hook["image"] for hook in service.get("pre_start") or () if hook.get("image"))


def _model(result: "Resolved") -> Tree:
    """What is enabled and used, by section; also of a model that was not interpolated."""
    if result.fields is not None:
        return result.fields
    tree = dict(result.tree)
    tree["services"], _ = selection.split_by_profiles(tree.get("services") or {}, result.profiles)
    selection.drop_unused(tree)
    return tree


_NAMES: dict[str, Names] = {
    "only_services": _section("services"),
    "volumes": _section("volumes"),
    "networks": _section("networks"),
    "models": _models,
    "profiles": _profiles,
    "images": _images,
}
_OF_NAMED_SERVICES = frozenset(("profiles", "images"))
_ORDER = ("only_services", "volumes", "networks", "models", "hash", "profiles", "images", "variables", "environment")
"""docker compose's: the first that is asked for is printed."""
