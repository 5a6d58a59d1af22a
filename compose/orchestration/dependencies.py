"""What a service needs: `depends_on`, and what other attributes imply."""

from collections.abc import Iterable

from compose.errors import ProjectError
from compose.graph.dependencies import DependencyGraph
from compose.orchestration.specs.mounts import services_of_volumes_from
from schemas.composefile.project import Project
from schemas.composefile.service import Dependency, ServiceConfig


def needs(service: ServiceConfig) -> dict[str, Dependency]:
    """Return the dependencies of a service; those that attributes imply carry `restart`, as normalised."""
    implied = {name: Dependency(restart=True) for name in (*_linked(service), *namespace_partners(service))}
    shared = {name: Dependency() for name in services_of_volumes_from(service)}
    return {**shared, **implied, **service.depends_on}


def namespace_partners(service: ServiceConfig) -> tuple[str, ...]:
    """Return the services into whose network, ipc or pid namespace a service's containers go."""
    modes = (service.network_mode, service.ipc, service.pid)
    return tuple(dict.fromkeys(mode.removeprefix("service:") for mode in modes if mode.startswith("service:")))


def container_partners(service: ServiceConfig) -> tuple[str, ...]:
    """Return the services whose containers must exist first: shared namespaces and shared mounts."""
    return tuple(dict.fromkeys((*namespace_partners(service), *services_of_volumes_from(service))))


def service_graph(project: Project) -> DependencyGraph:
    """Return the graph of a project's enabled services. Raises CircularDependency."""
    return DependencyGraph({name: list(needs(service)) for name, service in project.services.items()})


def check_names(project: Project, names: Iterable[str]) -> None:
    """Raise ProjectError for a name that is no service."""
    for name in names:
        if name in project.services:
            continue
        disabled = project.disabled_services.get(name)
        hint = f"it has the profiles {', '.join(disabled.profiles)}" if disabled and disabled.profiles else ""
        raise ProjectError(f"no such service: {name}", hint=hint)


def _linked(service: ServiceConfig) -> Iterable[str]:
    return (link.partition(":")[0] for link in service.links)
