"""What is implied, written out: the default network, implicit dependencies, names of resources.

Source: compose-go, loader/normalize.go and loader/environment.go.
"""

from collections.abc import Mapping
from typing import Any

from compose.loader.canonical import clean_target
from compose.loader.tree_path import Tree
from compose.naming import resource_name

_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")
_SERVICE = "service:"


def inherit_variables(tree: Tree, variables: Mapping[str, str]) -> None:
    """Values for the keys without one in `environment` lists."""
    for service in _mappings(tree.get("services")):
        environment = service.get("environment")
        if isinstance(environment, list):
            service["environment"] = [_with_value(item, variables) for item in environment]


def _with_value(item: Any, variables: Mapping[str, str]) -> Any:
    return f"{item}={variables[item]}" if isinstance(item, str) and item in variables else item


def normalize(tree: Tree, project: str, variables: Mapping[str, str]) -> None:
    """Write out, in place, what the model implies."""
    _join_default_network(tree)
    for service in _mappings(tree.get("services")):
        _normalize_service(service, variables)
    for section in ("networks", "volumes", "configs", "secrets"):
        _name_resources(tree.get(section) or {}, project)


def _mappings(section: Any) -> list[Tree]:
    return [item for item in section.values() if isinstance(item, dict)] if isinstance(section, dict) else []


def _join_default_network(tree: Tree) -> None:
    used = False
    for service in _mappings(tree.get("services")):
        if "provider" in service or "network_mode" in service:
            continue
        if not service.get("networks"):
            service["networks"] = {"default": None}
        used = used or "default" in service["networks"]
    networks = tree.get("networks") or {}
    if used:
        networks.setdefault("default", None)
    if networks:
        tree["networks"] = networks


def _normalize_service(service: Tree, variables: Mapping[str, str]) -> None:
    if service.get("pull_policy") == "if_not_present":
        service["pull_policy"] = "missing"
    if isinstance(service.get("build"), dict):
        _normalize_build(service["build"], variables)
    if "environment" in service:
        service["environment"] = _resolved(service["environment"], variables, keep_unset=True)
    for volume in service.get("volumes") or ():
        if isinstance(volume, dict) and isinstance(volume.get("target"), str):
            volume["target"] = clean_target(volume["target"]) or "."
    _imply_dependencies(service)
    for hook in service.get("pre_start") or ():
        if service.get("image"):
            hook.setdefault("image", service["image"])


def _normalize_build(build: Tree, variables: Mapping[str, str]) -> None:
    if build.get("context") is None:
        build["context"] = "."
    if build.get("dockerfile") is None and build.get("dockerfile_inline") is None:
        build["dockerfile"] = "Dockerfile"
    if "args" in build:
        build["args"] = _resolved(build["args"], variables, keep_unset=False)


def _imply_dependencies(service: Tree) -> None:
    implied: dict[str, bool] = {}
    for link in service.get("links") or ():
        parts = link.split(":")
        implied.setdefault(parts[0] if len(parts) == 2 else link, True)
    for namespace in _NAMESPACES:
        mode = service.get(namespace)
        if isinstance(mode, str) and mode.startswith(_SERVICE):
            implied.setdefault(mode.removeprefix(_SERVICE), True)
    for source in service.get("volumes_from") or ():
        if not source.startswith("container:"):
            implied.setdefault(source.split(":")[0], False)
    dependencies = dict(service.get("depends_on") or {})
    for name, restart in implied.items():
        if name not in dependencies:
            dependencies[name] = {"condition": "service_started", "restart": restart, "required": True}
    if dependencies:
        service["depends_on"] = dependencies


def _resolved(value: Any, variables: Mapping[str, str], *, keep_unset: bool) -> Any:
    """Keys without a value get the project's; those it has no value for stay or go."""
    if isinstance(value, dict):
        found = {key: variables.get(key) if item is None else item for key, item in value.items()}
        return {key: item for key, item in found.items() if item is not None or keep_unset}
    if isinstance(value, list):
        items = [item if "=" in item else _with_value(item, variables) for item in map(str, value)]
        return [item for item in items if "=" in item or keep_unset]
    return value


def _name_resources(section: Tree, project: str) -> None:
    for key, resource in section.items():
        section[key] = resource if isinstance(resource, dict) else {}
        external = section[key].get("external")
        # Without interpolation `external: ${X}` is a text: which of the names it is to be is not known yet.
        if section[key].get("name") is None and not isinstance(external, str):
            section[key]["name"] = key if external is True else resource_name(project, key)
