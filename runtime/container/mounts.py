"""Which file systems a container sees: its own mounts, those of others, and its image's volumes.

Precedence for one target, lowest first: image volumes, volumes_from, the spec's own mounts
(moby daemon/volumes.go registerMountPoints).
"""

import os
import posixpath
from collections.abc import Callable, Iterable
from dataclasses import field, replace
from pathlib import Path

from runtime.errors import InvalidArgument, NotFound
from schemas.dataclass import dataclass
from schemas.engine.bundle import BundleMount
from schemas.engine.records import ContainerRecord, VolumeRecord
from schemas.engine.specs import ContainerSpec, Mount

FORBIDDEN_TARGETS = ("/", "/proc")
_PROPAGATIONS = frozenset({"private", "rprivate", "slave", "rslave", "shared", "rshared"})


@dataclass(slots=True)
class MountTable:
    """Mounts by target, as they are collected."""

    by_target: dict[str, Mount] = field(default_factory=dict)
    owned: dict[str, str] = field(default_factory=dict)
    """Target: name of an anonymous volume that belongs to this container."""

    def add(self, mount: Mount) -> None:
        """Add a mount, in place of an earlier one on the same target."""
        target = _clean(mount.target)
        self.by_target[target] = replace(mount, target=target)
        self.owned.pop(target, None)


def collect(
    spec: ContainerSpec,
    image_volumes: Iterable[str],
    find: Callable[[str], ContainerRecord],
    carried: dict[str, str],
    new_volume: Callable[[], str],
) -> MountTable:
    """Return all mounts of a container, anonymous volumes given a name.

    `find` resolves the names of `volumes_from`; `carried` are the anonymous volumes (target: name)
    of a container that this one replaces; `new_volume` makes up a name. Raises InvalidArgument.
    """
    table = MountTable()
    for target in image_volumes:
        table.add(Mount(type="volume", target=target))
    for other in spec.volumes_from:
        for mount in mounts_of(find(other.container), find):
            table.add(replace(mount, read_only=mount.read_only or other.read_only))
    for mount in spec.mounts:
        table.add(mount)
    for target, mount in table.by_target.items():
        if mount.type == "volume" and not mount.source:
            name = carried.get(target) or new_volume()
            table.by_target[target] = replace(mount, source=name)
            table.owned[target] = name
    return table


def mounts_of(record: ContainerRecord, find: Callable[[str], ContainerRecord]) -> list[Mount]:
    """Return the mounts that another container may share, its own `volumes_from` included."""
    table = MountTable()
    for target, volume in record.anonymous_volumes:
        table.add(Mount(type="volume", target=target, source=volume))
    for other in record.spec.volumes_from:
        for mount in mounts_of(find(other.container), find):
            table.add(replace(mount, read_only=mount.read_only or other.read_only))
    for mount in record.spec.mounts:
        # An anonymous one already stands there with the name it was given.
        if mount.source or mount.type != "volume":
            table.add(mount)
    return [mount for mount in table.by_target.values() if mount.type != "tmpfs"]


def bundle_mount(mount: Mount, volume: Callable[[str], VolumeRecord]) -> BundleMount:
    """Return what the launcher mounts. Makes a missing bind source where the spec says so.

    Raises NotFound for a source or volume that is not there, InvalidArgument for a bad option.
    """
    if mount.type == "tmpfs":
        return BundleMount(type="tmpfs", target=mount.target, options=_tmpfs_options(mount))
    if mount.type == "volume":
        return BundleMount(
            type="bind",
            target=mount.target,
            source=volume(mount.source).mountpoint,
            subpath=mount.subpath,
            read_only=mount.read_only,
        )
    source = Path(mount.source)
    if not os.path.lexists(source):
        _make_source(mount, source)
    if mount.propagation and mount.propagation not in _PROPAGATIONS:
        raise InvalidArgument(f"unknown bind propagation `{mount.propagation}` for `{mount.target}`")
    return BundleMount(
        type="bind",
        target=mount.target,
        source=str(source),
        read_only=mount.read_only,
        recursive=mount.recursive != "disabled",
        recursive_read_only=mount.recursive in {"", "enabled", "readonly"},
        propagation=mount.propagation or "rprivate",
    )


def by_depth(mounts: Iterable[BundleMount]) -> tuple[BundleMount, ...]:
    """Order mounts so that a parent comes before what is mounted below it."""
    return tuple(sorted(mounts, key=lambda mount: mount.target.count("/") if mount.target != "/" else 0))


def _make_source(mount: Mount, source: Path) -> None:
    if not mount.create_host_path:
        raise NotFound(
            f"bind source path does not exist: `{source}`",
            hint="make it, or take `create_host_path: false` off the mount",
        )
    try:
        source.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotFound(f"cannot make the bind source `{source}`: {error.strerror}") from error


def _tmpfs_options(mount: Mount) -> tuple[str, ...]:
    options = list(mount.tmpfs_options)
    if mount.tmpfs_size_bytes:
        options.append(f"size={mount.tmpfs_size_bytes}")
    if mount.tmpfs_mode is not None:
        options.append(f"mode={mount.tmpfs_mode:o}")
    if mount.read_only:
        options.append("ro")
    return tuple(options)


def _clean(target: str) -> str:
    cleaned = posixpath.normpath(target)
    if cleaned.startswith("//"):
        cleaned = cleaned[1:]
    if not cleaned.startswith("/") or "\0" in cleaned:
        raise InvalidArgument(f"mount target `{target}` is not an absolute path")
    if cleaned in FORBIDDEN_TARGETS:
        raise InvalidArgument(f"nothing may be mounted on `{cleaned}`")
    return cleaned
