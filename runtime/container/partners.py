"""What container operations work with: the stores, the networks, the supervisors."""

from runtime.image.store import ImageStore
from runtime.network.controller import NetworkController
from runtime.paths import Paths
from runtime.state import containers
from runtime.state.database import Database
from runtime.supervisor.client import SupervisorClient, Supervisors
from runtime.volume.store import VolumeStore
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord


@dataclass(frozen=True, slots=True)
class Partners:
    """One of each, shared by all threads of a command."""

    paths: Paths
    database: Database
    images: ImageStore
    volumes: VolumeStore
    networks: NetworkController
    supervisors: Supervisors

    def find(self, reference: str) -> ContainerRecord:
        """Return a container by name or id. Raises NotFound."""
        return containers.find(self.database.read(), reference)

    def supervisor(self, project: str) -> SupervisorClient:
        """Return the client of a project's supervisor; it connects when it is first asked something."""
        return self.supervisors.of(project)
