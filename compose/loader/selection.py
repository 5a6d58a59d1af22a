"""Which services take part: profiles, services named by the user, and what they need.

Source: compose-spec, 15-profiles.md; compose-go, types/project.go.
"""

from collections.abc import Iterable, Sequence

from compose.errors import DanglingReference, ProjectError
from compose.loader.findings import one_of
from compose.loader.problem import Problem
from compose.loader.shapes import nearest_service
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


def select(services: Tree, names: Sequence[str], known: Tree) -> tuple[Tree, Tree]:
    """The named services with their dependencies, and the rest.

    Raises ProjectError for unknown ones, Problem where a service needs one that no profile enables.
    """
    _require_known(services, names, known)
    wanted: dict[str, None] = {}
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in wanted:
            continue
        wanted[name] = None
        for other, dependency in (services[name].get("depends_on") or {}).items():
            if other in services:
                pending.append(other)
            elif dependency.get("required", True):
                place = ("services", name, depending_attribute(services[name], other), other)
                hint = enabling(other, services, known)
                raise Problem(f"no such service: {other}", place, kind=DanglingReference, hint=hint)
    chosen = {name: service for name, service in services.items() if name in wanted}
    rest = {name: service for name, service in services.items() if name not in wanted}
    for service in chosen.values():
        if service.get("depends_on"):
            service["depends_on"] = {name: item for name, item in service["depends_on"].items() if name in chosen}
    return chosen, rest


def _require_known(services: Tree, names: Sequence[str], known: Tree) -> None:
    # No file is to blame: the names are from the command line.
    errors = [
        ProjectError(f"no such service: {name}", hint=enabling(name, services, known))
        for name in dict.fromkeys(names)
        if name not in services
    ]
    if errors:
        raise one_of(errors)


def enabling(name: str, services: Tree, known: Tree) -> str:
    """A hint for a service that is not among those enabled: the profile, the nearest name, or all of few names."""
    if name in known and name not in services:
        profiles = ", ".join(f"`--profile {profile}`" for profile in known[name].get("profiles") or ())
        return f"`{name}` is disabled; it can be enabled by {profiles}"
    return nearest_service(name, known)


def depending_attribute(service: Tree, other: str) -> str:
    """The attribute that an implied dependency comes from."""
    for attribute in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        if service.get(attribute) == f"service:{other}":
            return attribute
    for attribute in ("links", "volumes_from"):
        if any(item.split(":")[0] == other for item in service.get(attribute) or ()):
            return attribute
    return "depends_on"


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
