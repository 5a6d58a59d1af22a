"""One model over another: scalars replace, mappings merge, lists append, and a table of exceptions.

Source: compose-spec, 13-merge.md; compose-go, override/merge.go.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from compose.loader.problem import Path, Problem
from compose.loader.scalar import text_of
from compose.loader.tree_path import Branch, Tree, table

Merger: TypeAlias = Callable[[Any, Any, Path], Any]
"""Takes the base, what goes over it, and the path."""


def merge(base: Tree, over: Tree) -> Tree:
    """`base` with `over` on top; both may be changed. Raises Problem where kinds do not fit."""
    return _mappings(base, over, (), MERGERS)


def merge_at(base: Any, over: Any, path: Path) -> Any:
    """As merge, for what is found at a path (extends, include)."""
    branch: Branch[Merger] | None = MERGERS
    for part in path:
        branch = branch and branch.below(part)
    return _merge(base, over, path, branch)


def _merge(base: Any, over: Any, path: Path, branch: Branch[Merger] | None) -> Any:
    if branch is not None and branch.rule is not None:
        return branch.rule(base, over, path)
    if over is None:
        return base
    if isinstance(base, dict):
        if not isinstance(over, dict):
            raise _mismatch(path)
        return _mappings(base, over, path, branch)
    if isinstance(base, list):
        if not isinstance(over, list):
            raise _mismatch(path)
        return base + over
    return over


def _mappings(base: Tree, over: Tree, path: Path, branch: Branch[Merger] | None) -> Tree:
    for key, value in over.items():
        if key in base:
            base[key] = _merge(base[key], value, (*path, key), branch and branch.below(key))
        else:
            base[key] = value
    return base


def _mismatch(path: Path) -> Problem:
    place = ".".join(map(str, path))
    return Problem(f"cannot override {place}", path, hint="a list, a mapping and a scalar do not merge with each other")


def sequence(value: Any) -> list[Any]:
    """`K=V` texts of a mapping, sorted; lists as they are; a text as a list of one."""
    if isinstance(value, dict):
        items: list[str] = []
        for key, item in value.items():
            if isinstance(item, list):
                items.extend(f"{key}={text_of(part)}" for part in item)
            else:
                items.append(key if item is None else f"{key}={text_of(item)}")
        return sorted(items)
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, str) else []


def _as_sequences(base: Any, over: Any, _: Path) -> list[Any]:
    return sequence(base) + sequence(over)


def _extra_hosts(base: Any, over: Any, _: Path) -> list[Any]:
    hosts = sequence(base)
    known = set(map(text_of, hosts))
    return hosts + [host for host in sequence(over) if text_of(host) not in known]


def replace(_: Any, over: Any, __: Path) -> Any:
    """Take what is said last, whole."""
    return over


def _mapping(value: Any, **defaults: Any) -> Tree:
    """A list of names as a mapping, each with `defaults` or nothing."""
    if isinstance(value, list):
        return {str(name): dict(defaults) if defaults else None for name in value}
    return value if isinstance(value, dict) else {}


def _below(path: Path) -> Branch[Merger] | None:
    branch: Branch[Merger] | None = MERGERS
    for part in path:
        branch = branch and branch.below(part)
    return branch


def _depends_on(base: Any, over: Any, path: Path) -> Tree:
    defaults = {"condition": "service_started", "required": True}
    return _mappings(_mapping(base, **defaults), _mapping(over, **defaults), path, _below(path))


def _named(base: Any, over: Any, path: Path) -> Tree:
    return _mappings(_mapping(base), _mapping(over), path, _below(path))


def _build(base: Any, over: Any, path: Path) -> Tree:
    def long(value: Any) -> Tree:
        return {"context": value} if isinstance(value, str) else value if isinstance(value, dict) else {}

    return _mappings(long(base), long(over), path, _below(path))


def _logging(base: Any, over: Any, path: Path) -> Any:
    """Options belong to a driver: another driver, other options."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    if "driver" in base and "driver" in over and base["driver"] != over["driver"]:
        return over
    return _mappings(base, over, path, _below(path))


def _pools(base: Any, over: Any, path: Path) -> list[Any]:
    """Per subnet. Pools of the base that the override does not name are dropped, as docker compose does."""
    if not isinstance(base, list) or not isinstance(over, list):
        raise Problem(f"{'.'.join(map(str, path))}: unexpected type", path)
    pools: list[Tree] = []
    subnets: dict[Any, int] = {}
    for original in map(_mapping, base):
        for changed in map(_mapping, over):
            subnet = changed.get("subnet")
            if subnet != original.get("subnet") and subnet not in subnets:
                subnets[subnet] = len(pools)
                pools.append(changed)
                continue
            merged = _mappings(original, changed, path, None)
            subnet = merged.get("subnet")
            if subnet in subnets:
                pools[subnets[subnet]] = merged
            else:
                subnets[subnet] = len(pools)
                pools.append(merged)
    return pools


MERGERS: Branch[Merger] = table(
    {
        "networks.*.ipam.config": _pools,
        "networks.*.labels": _as_sequences,
        "volumes.*.labels": _as_sequences,
        "services.*.build": _build,
        "services.*.build.args": _as_sequences,
        "services.*.build.additional_contexts": _as_sequences,
        "services.*.build.extra_hosts": _extra_hosts,
        "services.*.build.labels": _as_sequences,
        "services.*.command": replace,
        "services.*.depends_on": _depends_on,
        "services.*.deploy.labels": _as_sequences,
        "services.*.dns": _as_sequences,
        "services.*.dns_opt": _as_sequences,
        "services.*.dns_search": _as_sequences,
        "services.*.entrypoint": replace,
        "services.*.env_file": _as_sequences,
        "services.*.label_file": _as_sequences,
        "services.*.environment": _as_sequences,
        "services.*.annotations": _as_sequences,
        "services.*.extra_hosts": _extra_hosts,
        "services.*.healthcheck.test": replace,
        "services.*.labels": _as_sequences,
        "services.*.volumes.*.volume.labels": _as_sequences,
        "services.*.logging": _logging,
        "services.*.models": _named,
        "services.*.networks": _named,
        "services.*.sysctls": _as_sequences,
        "services.*.tmpfs": _as_sequences,
        "services.*.ulimits.*": replace,
    }
)
