"""`config --services`, `--volumes`, …: one name a line, sorted.

Source: docker compose, cmd/compose/config.go, also for which list reads env files and heeds named services.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from compose import labels
from compose.errors import ProjectError
from compose.loader import selection
from compose.loader.project import LoadResult
from compose.loader.shapes import nearest
from compose.loader.tree_path import Tree
from compose.naming import image_name
from compose.orchestration.specs.container import container_spec
from compose.orchestration.specs.surroundings import Surroundings, image_of
from schemas.composefile.project import Project

Lines: TypeAlias = Callable[[LoadResult, argparse.Namespace], list[str]]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that `config` can print."""

    flag: str
    """The option's name among the parsed ones."""
    lines: Lines
    of_named_services: bool = False
    """Services on the command line narrow it."""
    of_resolved_services: bool = False
    """It depends on variables and env files."""


def wanted(options: argparse.Namespace) -> Listing | None:
    """Return the first list that a flag asks for."""
    return next((listing for listing in _LISTINGS if getattr(options, listing.flag)), None)


def _section(name: str) -> Lines:
    return lambda result, _: sorted(_model(result).get(name) or ())


def _models(result: LoadResult, _: argparse.Namespace) -> list[str]:
    models: Tree = _model(result).get("models") or {}
    return sorted(each["model"] for each in models.values() if each and each.get("model"))


def _profiles(result: LoadResult, _: argparse.Namespace) -> list[str]:
    if result.loaded:
        names = {name for each in result.loaded.all_services.values() for name in each.profiles}
    else:
        services: Tree = result.tree.get("services") or {}
        names = {name for each in services.values() for name in each.get("profiles") or ()}
    return sorted(names)


def _images(result: LoadResult, options: argparse.Namespace) -> list[str]:
    if result.loaded:
        return sorted(set(_images_of(result.loaded)))
    name: str = result.tree["name"]
    services: Tree = _model(result)["services"]
    chosen = {key: each for key, each in services.items() if key in options.services or not options.services}
    return sorted(
        {
            each.get("image") or image_name(name, key, compatibility=options.compatibility)
            for key, each in chosen.items()
        }
    )


def _images_of(project: Project) -> Iterator[str]:
    for service in project.services.values():
        yield image_of(project, service)
        yield from (hook.image for hook in service.pre_start if hook.image)


def _hashes(result: LoadResult, options: argparse.Namespace) -> list[str]:
    project = result.project
    names = project.services if options.hash == "*" else options.hash.split(",")
    for name in names:
        if name not in project.services:
            raise ProjectError(f"no such service: {name}", hint=nearest(name, project.all_services))
    surroundings = Surroundings(project)
    return [f"{name} {_hash(surroundings, name)}" for name in sorted(set(names))]


def _hash(surroundings: Surroundings, name: str) -> str:
    return container_spec(surroundings, surroundings.project.service(name)).labels[labels.CONFIG_HASH]


def _model(result: LoadResult) -> Tree:
    """What is enabled and used, by section; also of a model that was not interpolated."""
    if result.loaded:
        return {section: getattr(result.loaded, section) for section in _SECTIONS} | {
            "models": {key: {"model": each.model} for key, each in result.loaded.models.items()}
        }
    tree = dict(result.tree)
    tree["services"], _ = selection.split_by_profiles(tree.get("services") or {}, result.profiles)
    selection.drop_unused(tree)
    return tree


_SECTIONS = ("services", "volumes", "networks")
_LISTINGS = (
    Listing("only_services", _section("services")),
    Listing("volumes", _section("volumes")),
    Listing("networks", _section("networks")),
    Listing("models", _models),
    Listing("hash", _hashes, of_resolved_services=True),
    Listing("profiles", _profiles, of_named_services=True),
    Listing("images", _images, of_named_services=True),
)
"""In docker compose's order: the first that is asked for is printed."""
