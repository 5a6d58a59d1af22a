"""The project: what a set of Compose files says, resolved.

Immutable. Changes return a copy (`with_…`), so a plan can never be made from a half-changed model.
"""

from schemas.composefile.base import Model
from schemas.composefile.file_object import FileObject
from schemas.composefile.frozen import EMPTY, Frozen
from schemas.composefile.network import NetworkConfig
from schemas.composefile.service import ServiceConfig
from schemas.composefile.volume import VolumeConfig


class ModelConfig(Model):
    """An AI model."""

    name: str = ""
    """Its name."""
    model: str = ""
    """The artefact that holds it."""
    context_size: int = 0
    """Tokens of its context."""
    runtime_flags: tuple[str, ...] = ()
    """Flags of the program that runs it."""


class Project(Model):
    """Services, and the networks, volumes, secrets and configs that they use."""

    name: str
    """Name of the project; `-p` and COMPOSE_PROJECT_NAME win over it, the folder's name is the default."""
    # Those that are enabled, in the order of the files.
    services: Frozen[str, ServiceConfig] = EMPTY
    """The services."""
    disabled_services: Frozen[str, ServiceConfig] = EMPTY
    """Services that no active profile enables: their containers are no orphans."""
    networks: Frozen[str, NetworkConfig] = EMPTY
    """Networks of the project."""
    volumes: Frozen[str, VolumeConfig] = EMPTY
    """Volumes of the project."""
    secrets: Frozen[str, FileObject] = EMPTY
    """Secrets of the project."""
    configs: Frozen[str, FileObject] = EMPTY
    """Configs of the project."""
    models: Frozen[str, ModelConfig] = EMPTY
    """AI models of the project."""
    working_dir: str = ""
    """The project directory, absolute."""
    compose_files: tuple[str, ...] = ()
    """Absolute paths, in order; `-` is standard input."""
    environment: Frozen[str, str] = EMPTY
    """What interpolation saw: the shell's variables over those of the `.env` files."""
    environment_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    """Active profiles."""
    compatibility: bool = False
    """`--compatibility`: `_` instead of `-` in the names of containers and built images."""

    @property
    def all_services(self) -> dict[str, ServiceConfig]:
        """Enabled and disabled services."""
        return {**self.services, **self.disabled_services}

    def service(self, name: str) -> ServiceConfig:
        """An enabled service. Raises KeyError."""
        return self.services[name]

    def with_scale(self, replicas: dict[str, int]) -> "Project":
        """Other numbers of replicas for some services (`--scale`)."""
        changed = {
            name: service.model_copy(
                update={
                    "scale": replicas[name],
                    "deploy": service.deploy and service.deploy.model_copy(update={"replicas": replicas[name]}),
                }
            )
            if name in replicas
            else service
            for name, service in self.services.items()
        }
        return self.model_copy(update={"services": changed})
