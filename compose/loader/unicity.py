"""Lists whose items replace each other: by key, by mount target, by port.

Source: compose-spec, 13-merge.md, unique resources; compose-go, override/uncity.go.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from compose.loader.mount import parse_volume
from compose.loader.problem import Path, Problem, Problems, indexed
from compose.loader.scalar import text_of
from compose.loader.shapes import WORDS, article, kind_of
from compose.loader.tree_path import Branch, Tree, rewrite, table

Indexer: TypeAlias = Callable[[Any, Path], str]
"""Gives the identity of a list item."""


def enforce_unicity(tree: Tree) -> None:
    """Drop, in place, items that a later item of their list replaces. Raises Problem."""
    rewrite(tree, UNIQUE)


def _unique(identity: Indexer) -> Callable[[Any, Path], Any]:
    def keep_last(value: Any, path: Path) -> Any:
        if not isinstance(value, list):
            return value
        kept: dict[str, Any] = {}
        found: list[Problem] = []
        for index, item in enumerate(value):
            try:
                kept[identity(item, (*path, index))] = item
            except Problem as problem:
                found.append(problem)
        if found:
            raise Problems(found)
        return list(kept.values())

    return keep_last


def _by_key(item: Any, path: Path) -> str:
    if not isinstance(item, str):
        message = f"{indexed(path)}: unexpected type {_kind(item)}, expected a string"
        raise Problem(message, path, code="wrong-type", hint=_with_quotes(item))
    return item.partition("=")[0]


def _by_mount_target(item: Any, path: Path) -> str:
    if isinstance(item, str):
        return str(parse_volume(item, path)["target"])
    return _target(item, path, "volume")


def _by_device_target(item: Any, path: Path) -> str:
    if isinstance(item, str):
        parts = item.split(":")
        return parts[0] if len(parts) == 1 else parts[1]
    return _target(item, path, "device")


def _target(item: Any, path: Path, what: str) -> str:
    if not isinstance(item, dict):
        return ""
    if not isinstance(item.get("target"), str):
        raise Problem(f"service {what} {indexed(path)} is missing a mount target", path, hint="add `target:`")
    return str(item["target"])


def _by_text(item: Any, path: Path) -> str:
    if isinstance(item, bool) or not isinstance(item, str | int):
        message = f"{indexed(path)}: unsupported expose value {text_of(item)}"
        raise Problem(message, path, code="wrong-type", hint="expected a port, such as `8080` or `8080/udp`")
    return str(item)


def _by_file_target(folder: str) -> Indexer:
    def target(item: Any, path: Path) -> str:
        if isinstance(item, str):
            return f"{folder}/{item}"
        if isinstance(item, dict):
            return str(item.get("target", f"{folder}/{item.get('source')}"))
        message = f"{indexed(path)} must be a string or mapping"
        raise Problem(message, path, code="wrong-type", hint=_with_quotes(item))

    return target


def _by_port(item: Any, path: Path) -> str:
    if not isinstance(item, dict):
        return text_of(item)
    if "target" not in item:
        raise Problem(f"service ports {indexed(path)} is missing a target port", path, hint="add `target:`")
    host, protocol = item.get("host_ip", "0.0.0.0"), item.get("protocol", "tcp")  # noqa: S104 - the default's name, not a bind
    return f"{host}:{item.get('published')}:{item['target']}/{protocol}"


def _by_path(item: Any, path: Path) -> str:
    if isinstance(item, dict):
        if "path" not in item:
            raise Problem(f"environment path attribute {indexed(path)} is missing", path, hint="add `path:`")
        return text_of(item["path"])
    return text_of(item)


def _kind(item: Any) -> str:
    return WORDS.get(kind_of(item), kind_of(item))


def _with_quotes(item: Any) -> str:
    if isinstance(item, dict):
        key, value = next(iter(item.items()), ("", None))
        if "=" in key:
            return "a text that holds `: ` needs quotes around it"
        return f"write `{key}={text_of(value)}`" if len(item) == 1 and not isinstance(value, dict | list) else ""
    if isinstance(item, list):
        return ""
    return f'it is {article(_kind(item))}; write it with quotes, `"{text_of(item)}"`'


_BY_KEY = (
    "networks.*.labels",
    "networks.*.ipam.options",
    *(
        f"services.*.{attribute}"
        for attribute in (
            "annotations",
            "build.args",
            "build.additional_contexts",
            "build.platform",
            "build.tags",
            "build.labels",
            "cap_add",
            "cap_drop",
            "deploy.labels",
            "dns",
            "dns_opt",
            "dns_search",
            "environment",
            "labels",
            "links",
            "networks.*.aliases",
            "networks.*.link_local_ips",
            "profiles",
            "sysctls",
            "tmpfs",
        )
    ),
)
UNIQUE: Branch[Callable[[Any, Path], Any]] = table(
    dict.fromkeys(_BY_KEY, _unique(_by_key))
    | {
        "services.*.configs": _unique(_by_file_target("")),
        "services.*.devices": _unique(_by_device_target),
        "services.*.env_file": _unique(_by_path),
        "services.*.expose": _unique(_by_text),
        "services.*.ports": _unique(_by_port),
        "services.*.secrets": _unique(_by_file_target("/run/secrets")),
        "services.*.volumes": _unique(_by_mount_target),
    }
)
