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

_ALWAYS_IN_JSON: dict[str, frozenset[str]] = {
    "ServiceConfig": frozenset(("command", "entrypoint")),
    "ServiceHook": frozenset(("command",)),
    "NetworkConfig": frozenset(("ipam",)),
    "DeployConfig": frozenset(("resources", "placement")),
    "DiscreteResource": frozenset(("kind", "value")),
    "Dependency": frozenset(("required",)),
    "EnvFile": frozenset(("required",)),
    "WatchRule": frozenset(("path", "action", "exec")),
}
_ALWAYS_IN_YAML: dict[str, frozenset[str]] = {
    "Dependency": frozenset(("required",)),
    "WatchRule": frozenset(("path", "action")),
}
_MEANT_WHEN_EMPTY: dict[str, frozenset[str]] = {
    "ServiceConfig": frozenset(("network_mode",)),
    "BuildConfig": frozenset(("dockerfile",)),
    **dict.fromkeys(("NetworkConfig", "VolumeConfig", "FileObject"), frozenset(("name",))),
}
"""Left out they would get a default when the YAML is loaded again; docker compose leaves them out."""
_STRUCTS = frozenset(("ipam", "resources", "placement", "exec"))
_NEVER: dict[str, frozenset[str]] = {"ServiceConfig": frozenset(("name", "pull_refresh_after"))}
_NOT_WHEN_ZERO = frozenset(("mem_swappiness", "create_host_path"))


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


def printed_project(project: Project, *, yaml: bool = False) -> Tree:
    """The whole project, as docker compose's JSON shows it, or its YAML."""
    form = _Form(yaml)
    tree: Tree = {"name": project.name, "services": form.models(project.services)}
    for section in _SECTIONS:
        resources = getattr(project, section)
        if resources:
            tree[section] = form.models(resources)
    if yaml:
        _drop_dangling_options(tree["services"])
    for secret in tree.get("secrets", {}).values():
        secret.pop("content", None)
    for config in tree.get("configs", {}).values():
        if config.get("environment"):
            config.pop("content", None)
    return {**tree, **project.extensions}


def _drop_dangling_options(services: Tree) -> None:
    """Optional dependencies on services that are not shown: nothing depends on them, and they would not load."""
    for service in services.values():
        if "depends_on" in service:
            shown = {name: item for name, item in service["depends_on"].items() if name in services}
            service |= {"depends_on": shown}
            if not shown:
                del service["depends_on"]


class _Form:
    """The two forms differ: only YAML keeps the `x-…` keys inside, only JSON shows some empty values."""

    def __init__(self, yaml: bool) -> None:
        self._yaml = yaml
        self._always = _ALWAYS_IN_YAML if yaml else _ALWAYS_IN_JSON

    def models(self, models: dict[str, Any]) -> Tree:
        return {key: self.value(model) for key, model in models.items()}

    def value(self, value: Any) -> Any:
        if isinstance(value, Model):
            return self.model(value)
        if isinstance(value, tuple | list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        return value

    def model(self, model: Model) -> Any:
        if isinstance(model, Ulimit) and model.single:
            return model.single
        kind = type(model).__name__
        always, never = self._always.get(kind, ()), _NEVER.get(kind, ())
        tree: Tree = {}
        for name, field in type(model).model_fields.items():
            value = getattr(model, name)
            given = name in model.model_fields_set and name not in never
            pointer = value is not None and field.default in (None, True) and name not in _NOT_WHEN_ZERO
            meant = self._yaml and given and value == "" and name in _MEANT_WHEN_EMPTY.get(kind, ())
            if name in always or meant or (given and (value or pointer)):
                tree[name] = _FORMS[name](value) if name in _FORMS and value is not None else self.value(value)
        if self._yaml:
            return {**{key: item for key, item in tree.items() if not _is_empty(item, key)}, **model.extensions}
        if isinstance(model, BlockRate | BlockWeight):
            return {key.capitalize(): item for key, item in tree.items()}
        return tree


def _is_empty(value: Any, key: str) -> bool:
    """What Go's `omitempty` for a struct leaves out."""
    return value == {} and key in _STRUCTS


def escaped(value: Any, *, keys: bool) -> Any:
    """Every `$` doubled, so that what is printed loads to itself. docker compose's JSON doubles in keys too."""
    if isinstance(value, str):
        return _printable(value).replace("$", "$$")
    if isinstance(value, dict):
        return {
            _printable(key).replace("$", "$$") if keys else _printable(key): escaped(item, keys=keys)
            for key, item in value.items()
        }
    return [escaped(item, keys=keys) for item in value] if isinstance(value, list | tuple) else value


def _printable(text: str) -> str:
    """Bytes of an environment that are no UTF-8 become U+FFFD, as Go prints them."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def in_yaml_order(tree: Tree) -> Tree:
    """Keys sorted on every level, `name` first on the first."""
    ordered = _sorted(tree)
    return {**({"name": ordered.pop("name")} if "name" in ordered else {}), **ordered}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value
