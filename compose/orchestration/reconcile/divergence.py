"""Why a container is not as it should be, to the attribute."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import cast

from compose import labels
from schemas.engine.records import ContainerRecord, ImageRecord, NetworkRecord
from schemas.engine.specs import (
    ContainerSpec,
    EndpointSpec,
    FileObject,
    Mount,
    NetworkSpec,
    PortBinding,
    Resources,
    VolumeSpec,
)

Spec = ContainerSpec | NetworkSpec | VolumeSpec | Resources

SHOWN = 3
"""Attributes that a cause names before it counts the rest."""

ATTRIBUTES = {
    "name": "container_name",
    "mounts": "volumes",
    "files": "secrets and configs",
    "endpoints": "networks",
    "log": "logging",
    "pools": "ipam",
    "driver_options": "driver_opts",
    "dns_options": "dns_opt",
    "stop_grace_period_s": "stop_grace_period",
    "shm_size_bytes": "shm_size",
    "pid_mode": "pid",
    "ipc_mode": "ipc",
    "uts_mode": "uts",
    "cgroup_mode": "cgroup",
    "resources.memory_bytes": "mem_limit",
    "resources.memory_reservation_bytes": "mem_reservation",
    "resources.memory_swap_bytes": "memswap_limit",
    "resources.memory_swappiness": "mem_swappiness",
    "resources.oom_kill_disable": "oom_kill_disable",
    "resources.cpus": "cpus",
    "resources.cpu_shares": "cpu_shares",
    "resources.cpu_quota_us": "cpu_quota",
    "resources.cpu_period_us": "cpu_period",
    "resources.cpu_rt_runtime_us": "cpu_rt_runtime",
    "resources.cpu_rt_period_us": "cpu_rt_period",
    "resources.cpuset_cpus": "cpuset",
    "resources.pids_limit": "pids_limit",
    "resources.blkio_weight": "blkio_config",
    "resources.blkio_device": "blkio_config",
}
"""Names in a spec to those in a Compose file, where they differ."""

_KEYS: dict[str, Callable[[object], str]] = {
    "mounts": lambda each: cast("Mount", each).target,
    "files": lambda each: cast("FileObject", each).target,
    "endpoints": lambda each: cast("EndpointSpec", each).network,
    "ports": lambda each: f"{cast('PortBinding', each).container_port}/{cast('PortBinding', each).protocol}",
    "ulimits": lambda each: cast("tuple[str, int, int]", each)[0],
    "extra_hosts": lambda each: cast("tuple[str, str]", each)[0],
}
"""What tells one entry of a list from another."""


def why_diverged(
    record: ContainerRecord,
    wanted: ContainerSpec,
    images: Mapping[str, ImageRecord],
    networks: Mapping[str, NetworkRecord],
) -> str:
    """Return the cause for recreating a container, or nothing."""
    if record.spec.labels.get(labels.CONFIG_HASH) != wanted.labels[labels.CONFIG_HASH]:
        return f"config changed: {_summary(differences(record.spec, wanted), wanted)}"
    image = images.get(wanted.image)
    if image is not None and image.id != record.image_id:
        return f"image changed: {wanted.image}"
    for endpoint in record.endpoints:
        network = networks.get(endpoint.network)
        if network is None or network.id != endpoint.network_id:
            return f"network changed: {endpoint.network}"
    stands_on = {endpoint.network for endpoint in record.endpoints}
    for each in record.spec.endpoints:
        # `down` may have removed it from under an ended container.
        if each.network not in stands_on:
            return f"network removed: {each.network}"
    return ""


def differences(stored: ContainerSpec, wanted: ContainerSpec) -> list[str]:
    """Return the attributes that differ, in their order in the spec, by the Compose file's names."""
    found = _of_dataclasses(_comparable(stored), _comparable(wanted), "")
    return list(dict.fromkeys(found))


def _comparable(spec: ContainerSpec) -> ContainerSpec:
    return replace(spec, number=0, oneoff=False, labels=_of_the_user(spec.labels))


def _of_the_user(all_labels: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in all_labels.items() if not labels.is_own(key)}


def changed_fields(stored: NetworkSpec | VolumeSpec, wanted: NetworkSpec | VolumeSpec) -> str:
    """Return the attributes of a network or volume that differ, as text."""
    found = [name for name in _of_dataclasses(stored, wanted, "") if not name.startswith("labels.")]
    found += _of_values("labels", _of_the_user(stored.labels), _of_the_user(wanted.labels))
    return ", ".join(found) or "labels"


def _of_dataclasses(old: Spec, new: Spec, prefix: str) -> Iterable[str]:
    for each in fields(new):
        before, after = getattr(old, each.name), getattr(new, each.name)
        if before == after:
            continue
        name = prefix + each.name
        if name == "resources":
            yield from _of_dataclasses(before, after, "resources.")
        else:
            yield from _of_values(name, before, after)


def _of_values(name: str, before: object, after: object) -> Iterable[str]:
    shown = ATTRIBUTES.get(name, name)
    if isinstance(before, dict) and isinstance(after, dict):
        yield from (f"{shown}.{key}" for key in _changed(before, after))
    elif name in _KEYS and isinstance(before, tuple) and isinstance(after, tuple):
        key = _KEYS[name]
        old = {key(each): each for each in before}
        new = {key(each): each for each in after}
        # Nothing by key: the same entries in another order, or twice.
        yield from [f"{shown}.{each}" for each in _changed(old, new)] or [shown]
    elif is_dataclass(before) and is_dataclass(after):
        changed = [each.name for each in fields(after) if getattr(before, each.name) != getattr(after, each.name)]
        yield from (f"{shown}.{each.removesuffix('_s')}" for each in changed)
    else:
        yield shown


def _changed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    missing = object()
    keys = sorted(before.keys() | after.keys())
    return [key for key in keys if before.get(key, missing) != after.get(key, missing)]


def _summary(changed: list[str], wanted: ContainerSpec) -> str:
    if not changed:
        bound = [each.target for each in wanted.files if each.source]
        return f"content of {' or '.join(bound)}" if bound else "lifecycle hooks"
    more = len(changed) - SHOWN
    return ", ".join(changed[:SHOWN]) + (f" and {more} more" if more > 0 else "")
