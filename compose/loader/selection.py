"""Which services take part: profiles, services named by the user, and what they need.

Source: compose-spec, 15-profiles.md; compose-go, types/project.go.
"""

from collections.abc import Iterable, Sequence

from compose.errors import ProjectError
from compose.loader.shapes import nearest
from compose.loader.tree_path import Tree

_SECTIONS = ("networks", "volumes", "secrets", "configs", "models")


def split_by_profiles(services: Tree, profiles: Iterable[str]) -> tuple[Tree, Tree]:
    """Enabled and disabled services."""
    active = set(profiles)
    enabled = {name: service for name, service in services.items() if _enabled(service, active)}
    return enabled, {name: service for name, service in services.items() if name not in enabled}


def _enabled(service: Tree, active: set[str]) -> bool:
    own = service.get("profiles") or ()
    return not own or "*" in active or not active.isdisjoint(own)


def profiles_of(names: Iterable[str], disabled: Tree) -> list[str]:
    """The profiles that naming these services turns on."""
    return [profile for name in names for profile in disabled.get(name, {}).get("profiles") or ()]


def select(services: Tree, names: Sequence[str], known: Iterable[str]) -> tuple[Tree, Tree]:
    """The named services with their dependencies, and the rest. Raises ProjectError for unknown ones."""
    wanted: dict[str, None] = {}
    pending = [(name, True) for name in names]
    while pending:
        name, required = pending.pop()
        if name in wanted:
            continue
        if name not in services:
            if required:
                hint = nearest(name, dict.fromkeys(known))
                # No file is to blame: the name is from the command line.
                raise ProjectError(f"no such service: {name}", hint=hint)
            continue
        wanted[name] = None
        dependencies = services[name].get("depends_on") or {}
        pending.extend((other, dependency.get("required", True)) for other, dependency in dependencies.items())
    chosen = {name: service for name, service in services.items() if name in wanted}
    rest = {name: service for name, service in services.items() if name not in wanted}
    for service in chosen.values():
        if service.get("depends_on"):
            service["depends_on"] = {name: item for name, item in service["depends_on"].items() if name in chosen}
    return chosen, rest


def drop_unused(model: Tree) -> None:
    """Remove, in place, resources that no enabled service uses."""
    used: dict[str, set[str]] = {section: set() for section in _SECTIONS}
    for service in model["services"].values():
        used["networks"].update(service.get("networks") or ())
        used["models"].update(service.get("models") or ())
        mounts = [item for item in service.get("volumes") or () if item.get("type") == "volume"]
        used["volumes"].update(item.get("source", "") for item in mounts)
        build_secrets = (service.get("build") or {}).get("secrets") or ()
        used["secrets"].update(item.get("source") for item in (*(service.get("secrets") or ()), *build_secrets))
        used["configs"].update(item.get("source") for item in service.get("configs") or ())
    for section, keys in used.items():
        model[section] = {key: item for key, item in (model.get(section) or {}).items() if key in keys}
