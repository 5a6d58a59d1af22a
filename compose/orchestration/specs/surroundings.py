"""What a service's containers need to know of the rest of the project: names, ids, paths."""

from collections.abc import Mapping
from dataclasses import field

from compose.errors import DanglingReference
from compose.naming import container_name, image_name
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The project, and which container stands for each service."""

    project: Project
    containers: Mapping[str, str] = field(default_factory=dict)
    """Service to the name of the container that `service:x` means, where it is not number 1."""
    image_ids: Mapping[str, str] = field(default_factory=dict)
    """Image reference as written, to the id it stands for now."""

    def container_of(self, service: str) -> str:
        """Return the name of the container that `service:<name>` means. Raises DanglingReference."""
        known = self.containers.get(service)
        if known is not None:
            return known
        config = self.project.all_services.get(service)
        if config is None:
            raise DanglingReference(f"no such service: {service}")
        return name_of(self.project, config, 1)

    def partner(self, mode: str) -> str:
        """Return a namespace mode for the runtime: `service:x` becomes `container:<name>`."""
        kind, _, name = mode.partition(":")
        return f"container:{self.container_of(name)}" if kind == "service" else mode


def name_of(project: Project, service: ServiceConfig, number: int) -> str:
    """Return the name of a service's container."""
    return service.container_name or container_name(
        project.name, service.name, number, compatibility=project.compatibility
    )


def image_of(project: Project, service: ServiceConfig) -> str:
    """Return the reference of a service's image, also of one that is built."""
    return service.image or image_name(project.name, service.name, compatibility=project.compatibility)
