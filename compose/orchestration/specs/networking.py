"""Endpoints, ports and names of a service's containers."""

from collections.abc import Iterator

from compose.errors import DanglingReference, ProjectError
from compose.naming import resource_name
from compose.orchestration.specs.surroundings import Surroundings, name_of
from schemas.composefile.network import ServiceNetwork
from schemas.composefile.port import PortConfig
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from schemas.engine.specs import EndpointSpec, PortBinding

NO_STACK = frozenset({"host", "none"})
PREDEFINED = frozenset({"host", "none", "bridge"})
"""Networks that Docker always has; a project can name them as external."""


def endpoints(surroundings: Surroundings, service: ServiceConfig) -> tuple[str, tuple[EndpointSpec, ...]]:
    """Return the runtime's network mode and the places on networks. Raises ComposeError."""
    mode = service.network_mode
    if mode in NO_STACK:
        return mode, ()
    if mode.startswith(("service:", "container:")):
        return surroundings.partner(mode), ()
    if mode:
        # `bridge`, or the name of a network that nobody in the project declares.
        name = "bridge" if mode == "default" else mode
        return "bridge", (EndpointSpec(network=name, aliases=(service.name,), links=_external_links(service)),)
    names = {key: real_name(surroundings.project, service, key) for key in service.networks_by_priority}
    if alone := NO_STACK.intersection(names.values()):
        if len(names) > 1:
            path = ("services", service.name, "networks")
            raise ProjectError(
                f"service `{service.name}` cannot use the network `{min(alone)}` beside others", path=path
            )
        return min(alone), ()
    if not names:
        return "none", ()
    return "bridge", tuple(_endpoint(surroundings, service, key, name) for key, name in names.items())


def real_name(project: Project, service: ServiceConfig, key: str) -> str:
    """Return the name of the network that a service knows by a key. Raises DanglingReference."""
    network = project.networks.get(key)
    if network is None:
        raise DanglingReference(f'service "{service.name}" refers to undefined network {key}')
    return network.name or resource_name(project.name, key)


def ports(service: ServiceConfig, network_mode: str) -> tuple[PortBinding, ...]:
    """Return what is published; with the host's network nothing is (see `specs.warnings`)."""
    return () if network_mode == "host" else tuple(port_binding(service, port) for port in service.ports)


def port_binding(service: ServiceConfig, port: PortConfig) -> PortBinding:
    """Return one published port. Raises ProjectError for an unknown protocol."""
    first, last = port.host_ports
    ranged = last if last != first else 0
    match port.protocol:
        case "tcp" | "udp" | "sctp":
            return PortBinding(port.target, port.protocol, port.host_ip, first, ranged)
        case _:
            raise ProjectError(
                f"service `{service.name}`: unknown protocol `{port.protocol}` of port {port.target}",
                path=("services", service.name, "ports"),
            )


def extra_hosts(service: ServiceConfig) -> tuple[tuple[str, str], ...]:
    """Return a line of /etc/hosts for each address."""
    return tuple((host, address) for host, addresses in service.extra_hosts.items() for address in addresses)


def _endpoint(surroundings: Surroundings, service: ServiceConfig, key: str, name: str) -> EndpointSpec:
    place = service.networks[key] or ServiceNetwork()
    return EndpointSpec(
        network=name,
        aliases=(service.name, *(alias for alias in place.aliases if alias != service.name)),
        ipv4_address=place.ipv4_address,
        ipv6_address=place.ipv6_address,
        # The service-wide address goes to the first network, as with docker compose.
        mac_address=place.mac_address or (service.mac_address if key == service.networks_by_priority[0] else ""),
        priority=place.priority,
        gateway_priority=place.gw_priority,
        interface_name=place.interface_name,
        links=(*_links(surroundings.project, service, key), *_external_links(service)),
    )


def _links(project: Project, service: ServiceConfig, key: str) -> Iterator[tuple[str, str]]:
    """Yield what `links` adds on one network: alias, `db-1` and the whole name (getLinks in convergence.go)."""
    for link in service.links:
        linked, _, alias = link.partition(":")
        other = project.all_services.get(linked)
        if other is None or key not in other.networks:
            continue
        for number in range(1, other.replicas + 1):
            container = name_of(project, other, number)
            yield (alias or linked, container)
            yield (f"{linked}-{number}", container)
            yield (container, container)


def _external_links(service: ServiceConfig) -> tuple[tuple[str, str], ...]:
    pairs = (link.partition(":") for link in service.external_links)
    return tuple((alias or container, container) for container, _, alias in pairs)
