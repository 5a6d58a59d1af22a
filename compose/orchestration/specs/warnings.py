"""Attributes that the runtime does not have: an error where leaving them out would mislead, else a warning."""

from collections.abc import Callable, Iterator

from compose import errors
from compose.errors import ComposeError, ProjectError
from schemas.composefile.network import ServiceNetwork
from schemas.composefile.service import ServiceConfig


def check(service: ServiceConfig) -> list[errors.Warning]:
    """Return the warnings of a service. Raises ProjectError (ErrorGroup for several) for what cannot be."""
    found: list[ComposeError] = [
        ProjectError(f"service `{service.name}`: `{name}` is not supported", hint=reason, path=_path(service, name))
        for name, is_used, reason in _REFUSED
        if is_used(service)
    ]
    if len(found) > 1:
        raise errors.ErrorGroup(found)
    if found:
        raise found[0]
    ignored = [
        errors.Warning(f"service `{service.name}`: `{name}` is ignored{because}")
        for name, is_used, because in _IGNORED
        if is_used(service)
    ]
    return [*ignored, *_published_on_the_host(service), *_of_networks(service), *_of_volumes(service)]


def _path(service: ServiceConfig, name: str) -> tuple[str, ...]:
    return ("services", service.name, *name.split("."))


def _published_on_the_host(service: ServiceConfig) -> Iterator[errors.Warning]:
    if service.network_mode == "host" and service.ports:
        yield errors.Warning(f"service `{service.name}`: published ports are discarded when using host network mode")


def _of_networks(service: ServiceConfig) -> Iterator[errors.Warning]:
    for key, place in service.networks.items():
        endpoint = place or ServiceNetwork()
        for name, value in (("link_local_ips", endpoint.link_local_ips), ("driver_opts", endpoint.driver_opts)):
            if value:
                yield errors.Warning(f"service `{service.name}`: `networks.{key}.{name}` is ignored")


def _of_volumes(service: ServiceConfig) -> Iterator[errors.Warning]:
    for mount in service.volumes:
        if mount.volume is not None and mount.volume.labels:
            yield errors.Warning(
                f"service `{service.name}`: `volume.labels` of the volume on `{mount.target}` is ignored"
            )


def _has_device_reservation(service: ServiceConfig) -> bool:
    reservations = service.deploy.resources.reservations if service.deploy else None
    return bool(reservations and (reservations.devices or reservations.generic_resources))


def _has_restart_timing(service: ServiceConfig) -> bool:
    policy = service.deploy.restart_policy if service.deploy else None
    return bool(policy and not service.restart and (policy.delay or policy.window))


_Test = Callable[[ServiceConfig], bool]

_REFUSED: tuple[tuple[str, _Test, str], ...] = (
    ("provider", lambda service: service.provider is not None, "start what it provides by other means"),
    ("gpus", lambda service: bool(service.gpus), "name the nodes under `devices`"),
    ("deploy.resources.reservations.devices", _has_device_reservation, "name the nodes under `devices`"),
    ("use_api_socket", lambda service: service.use_api_socket, "there is no engine whose socket could be given"),
    ("credential_spec", lambda service: service.credential_spec is not None, "it is for Windows"),
    (
        "userns_mode",
        lambda service: service.userns_mode not in {"", "host"},
        "containers use the caller's user namespace, as `host` says",
    ),
    ("pre_start", lambda service: bool(service.pre_start), "use a service and `service_completed_successfully`"),
)

_IGNORED: tuple[tuple[str, _Test, str], ...] = (
    ("runtime", lambda service: service.runtime not in {"", "runc"}, ": there is one runtime only"),
    ("isolation", lambda service: service.isolation not in {"", "default"}, ": it is for Windows"),
    ("cpu_count", lambda service: service.cpu_count > 0, ": it is for Windows"),
    ("cpu_percent", lambda service: service.cpu_percent > 0, ": it is for Windows"),
    ("storage_opt", lambda service: bool(service.storage_opt), ": the overlay has no quota"),
    ("models", lambda service: bool(service.models), ""),
    ("deploy.restart_policy.delay", _has_restart_timing, ", and so is `window`"),
)
