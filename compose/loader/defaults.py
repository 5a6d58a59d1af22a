"""Defaults of the long syntax, and the checks that no schema can express.

Source: compose-go, transform/defaults.go and validation/validation.go.
"""

import ipaddress
from collections.abc import Callable
from typing import Any

from compose.loader.problem import Path, Problem, dotted, listed
from compose.loader.tree_path import Branch, Change, Tree, rewrite, table


def set_defaults(tree: Tree) -> None:
    """Fill in, in place, what the long syntax leaves out."""
    rewrite(tree, _DEFAULTS)


def check(tree: Tree) -> None:
    """Raises Problem for contradictory attributes."""
    rewrite(tree, _CHECKS)


def _build(value: Any, _: Path) -> Any:
    if isinstance(value, dict):
        value.setdefault("context", ".")
    return value


def _secret(value: Any, _: Path) -> Any:
    if isinstance(value, dict):
        value.setdefault("target", f"/run/secrets/{value.get('source')}")
    return value


def _port(value: Any, _: Path) -> Any:
    if isinstance(value, dict):
        value.setdefault("protocol", "tcp")
        value.setdefault("mode", "ingress")
    return value


def _device_request(value: Any, _: Path) -> Any:
    if isinstance(value, dict) and "device_ids" not in value:
        value.setdefault("count", "all")
    return value


_DEFAULTS: Branch[Change] = table(
    {
        "services.*.build": _build,
        "services.*.secrets.*": _secret,
        "services.*.ports.*": _port,
        "services.*.deploy.resources.reservations.devices.*": _device_request,
        "services.*.gpus.*": _device_request,
    }
)


def _external_volume(value: Any, path: Path) -> Any:
    if not isinstance(value, dict) or value.get("external") is not True:
        return value
    for key in value:
        if key not in ("name", "external") and not key.startswith("x-"):
            message = f'{dotted(path)}: conflicting parameters "external" and "{key}" specified'
            raise Problem(message, (*path, key), hint="an external volume exists already; only its `name` can be given")
    return value


def _one_source(*keys: str) -> Callable[[Any, Path], Any]:
    names = "|".join(keys)

    def check_sources(value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return value
        given = sum(key in value for key in keys)
        if given > 1:
            raise Problem(f"{dotted(path)}: {names} attributes are mutually exclusive", path)
        if given == 0 and "driver" not in value and "external" not in value:
            raise Problem(f"{dotted(path)}: one of {names} must be set", path)
        return value

    return check_sources


def _watch_path(value: Any, path: Path) -> Any:
    if value == "":
        raise Problem(f"{listed(path)}: value can't be blank", path)
    return value


def _count_or_ids(value: Any, path: Path) -> Any:
    if isinstance(value, dict) and "count" in value and "device_ids" in value:
        raise Problem(f'{listed(path)}: "count" and "device_ids" attributes are exclusive', path)
    return value


def _host_ip(value: Any, path: Path) -> Any:
    if isinstance(value, dict) and isinstance(value.get("host_ip"), str):
        try:
            ipaddress.ip_address(value["host_ip"])
        except ValueError:
            message = f"{listed(path)}: invalid ip address: {value['host_ip']}"
            raise Problem(message, (*path, "host_ip"), needle=value["host_ip"]) from None
    return value


_CHECKS: Branch[Change] = table(
    {
        "volumes.*": _external_volume,
        "configs.*": _one_source("file", "environment", "content"),
        "secrets.*": _one_source("file", "environment"),
        "services.*.develop.watch.*.path": _watch_path,
        "services.*.ports.*": _host_ip,
        "services.*.deploy.resources.reservations.devices.*": _count_or_ids,
        "services.*.gpus.*": _count_or_ids,
    }
)
