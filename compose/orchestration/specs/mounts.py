"""Binds, volumes, tmpfs and the mounts of other containers."""

from collections.abc import Iterable

from compose.errors import DanglingReference, ProjectError
from compose.naming import resource_name
from compose.orchestration.specs.surroundings import Surroundings
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from schemas.composefile.volume import ServiceVolume
from schemas.engine.specs import Mount, VolumesFrom


def mounts(project: Project, service: ServiceConfig) -> tuple[Mount, ...]:
    """Return a service's own mounts. Raises ProjectError for a type the runtime does not have."""
    return (
        *(_mount(project, service, volume) for volume in service.volumes),
        *(_short_tmpfs(text) for text in service.tmpfs),
    )


def volumes_from(surroundings: Surroundings, service: ServiceConfig) -> tuple[VolumesFrom, ...]:
    """Return whose mounts are shared: `service[:ro]` or `container:name[:ro]`."""
    shared = []
    for text in service.volumes_from:
        source, mode = _without_mode(text)
        kind, _, name = source.partition(":")
        container = name if kind == "container" else surroundings.container_of(source.removeprefix("service:"))
        shared.append(VolumesFrom(container=container, read_only=mode == "ro"))
    return tuple(shared)


def services_of_volumes_from(service: ServiceConfig) -> Iterable[str]:
    """Return the services whose mounts a service shares."""
    for text in service.volumes_from:
        source, _ = _without_mode(text)
        if not source.startswith("container:"):
            yield source.removeprefix("service:")


def _without_mode(text: str) -> tuple[str, str]:
    source, _, mode = text.rpartition(":")
    return (source, mode) if source and mode in {"ro", "rw"} else (text, "")


def _mount(project: Project, service: ServiceConfig, volume: ServiceVolume) -> Mount:
    match volume.type:
        case "bind":
            bind = volume.bind
            return Mount(
                type="bind",
                target=volume.target,
                source=volume.source,
                read_only=volume.read_only,
                create_host_path=bind is None or bind.create_host_path is not False,
                propagation=bind.propagation if bind else "",
                recursive=bind.recursive if bind else "",
            )
        case "volume":
            options = volume.volume
            return Mount(
                type="volume",
                target=volume.target,
                source=_volume_name(project, service, volume.source),
                read_only=volume.read_only,
                no_copy=bool(options and options.nocopy),
                subpath=options.subpath if options else "",
            )
        case "tmpfs":
            return Mount(
                type="tmpfs",
                target=volume.target,
                read_only=volume.read_only,
                tmpfs_size_bytes=volume.tmpfs.size if volume.tmpfs else 0,
                tmpfs_mode=volume.tmpfs.mode or None if volume.tmpfs else None,
            )
        case _:
            raise ProjectError(
                f"service `{service.name}`: mounts of type `{volume.type}` on `{volume.target}` are not supported",
                path=("services", service.name, "volumes"),
            )


def _volume_name(project: Project, service: ServiceConfig, key: str) -> str:
    if not key:
        return ""
    volume = project.volumes.get(key)
    if volume is None:
        raise DanglingReference(f'service "{service.name}" refers to undefined volume {key}')
    return volume.name or resource_name(project.name, key)


def _short_tmpfs(text: str) -> Mount:
    target, _, options = text.partition(":")
    return Mount(type="tmpfs", target=target, tmpfs_options=tuple(each for each in options.split(",") if each))
