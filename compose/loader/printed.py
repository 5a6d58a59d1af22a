"""The project as `config` prints it: docker compose's canonical form.

Zero values are left out, but for those that Go prints because they are no pointers and no
`omitempty`. Sizes are texts of digits, durations Go's, ulimits numbers where one number is enough.
Source: compose-go, the JSON and YAML tags of types/*.go.
"""

from collections.abc import Callable
from typing import Any

from compose.loader.tree_path import Tree
from compose.loader.units import duration_text
from schemas.composefile.base import Model
from schemas.composefile.build import Ulimit
from schemas.composefile.project import Project
from schemas.composefile.service import BlockRate, BlockWeight

_SECTIONS = ("networks", "volumes", "secrets", "configs", "models")

_ALWAYS: dict[str, frozenset[str]] = {
    "ServiceConfig": frozenset(("command", "entrypoint")),
    "ServiceHook": frozenset(("command",)),
    "NetworkConfig": frozenset(("ipam",)),
    "DeployConfig": frozenset(("resources", "placement")),
    "DiscreteResource": frozenset(("kind", "value")),
    "Dependency": frozenset(("required",)),
    "EnvFile": frozenset(("required",)),
    "WatchRule": frozenset(("path", "action", "exec")),
}
_NEVER: dict[str, frozenset[str]] = {"ServiceConfig": frozenset(("name",))}
_NOT_WHEN_ZERO = frozenset(("mem_swappiness",))


def _hosts(hosts: dict[str, tuple[str, ...]]) -> list[str]:
    return sorted(f"{host}={address}" for host, addresses in hosts.items() for address in addresses)


def _keys(keys: dict[str, str]) -> list[str]:
    return [f"{key}={path}" if path else key for key, path in keys.items()]


_FORMS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("mem_limit", "mem_reservation", "memswap_limit", "mem_swappiness", "shm_size"), str),
    **dict.fromkeys(("size", "rate", "memory"), str),
    **dict.fromkeys(("interval", "timeout", "start_period", "start_interval", "stop_grace_period"), duration_text),
    **dict.fromkeys(("delay", "window", "monitor"), duration_text),
    "extra_hosts": _hosts,
    "ssh": _keys,
}


def printed_project(project: Project, *, extensions: bool = False) -> Tree:
    """The whole project. `extensions` adds the `x-…` keys inside, as docker compose does in YAML only."""
    tree: Tree = {"name": project.name, "services": _models(project.services, extensions)}
    for section in _SECTIONS:
        resources = getattr(project, section)
        if resources:
            tree[section] = _models(resources, extensions)
    for secret in tree.get("secrets", {}).values():
        secret.pop("content", None)
    for config in tree.get("configs", {}).values():
        if config.get("environment"):
            config.pop("content", None)
    return {**tree, **project.extensions}


def _models(models: dict[str, Any], extensions: bool) -> Tree:
    return {key: model and printed(model, extensions=extensions) for key, model in models.items()}


def printed(model: Model, *, extensions: bool = False) -> Any:
    """One model as a tree."""
    if isinstance(model, Ulimit) and model.single:
        return model.single
    kind = type(model).__name__
    tree: Tree = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        given = name in model.model_fields_set and name not in _NEVER.get(kind, ())
        pointer = value is not None and field.default in (None, True) and name not in _NOT_WHEN_ZERO
        if name in _ALWAYS.get(kind, ()) or (given and (value or pointer)):
            tree[name] = _FORMS[name](value) if name in _FORMS and value is not None else _value(value, extensions)
    if isinstance(model, BlockRate | BlockWeight):
        tree = {key.capitalize(): value for key, value in tree.items()}
    return {**tree, **model.extensions} if extensions else tree


def _value(value: Any, extensions: bool) -> Any:
    if isinstance(value, Model):
        return printed(value, extensions=extensions)
    if isinstance(value, tuple | list):
        return [_value(item, extensions) for item in value]
    if isinstance(value, dict):
        return {key: _value(item, extensions) for key, item in value.items()}
    return value


def printed_tree(tree: Tree) -> Tree:
    """A tree that was not interpolated: as it is."""
    return tree


def escaped(value: Any) -> Any:
    """Every `$` doubled, so that what is printed loads to itself."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {escaped(key): escaped(item) for key, item in value.items()}
    return [escaped(item) for item in value] if isinstance(value, list | tuple) else value
