"""What the supervisor writes down: a container's columns and the journal, in one transaction."""

from collections.abc import Callable
from typing import Any

from runtime.errors import EngineError
from runtime.state import containers, journal, networks
from runtime.state.database import Database
from schemas.engine.events import EngineEvent
from schemas.engine.records import ContainerRecord


class Chronicle:
    """Records changes, then tells the listeners."""

    def __init__(self, database: Database, publish: Callable[[EngineEvent], None]) -> None:
        self._database = database
        self._publish = publish

    def record(self, container: ContainerRecord, *events: EngineEvent, **columns: Any) -> None:
        """Change a container's columns and journal what happened. Raises NotFound, InvalidArgument."""
        with self._database.transaction() as connection:
            if columns:
                containers.change(connection, container.id, **columns)
            recorded = [journal.append(connection, event) for event in events]
        for event in recorded:
            self._publish(event)

    def close_ports(self, container: ContainerRecord) -> bool:
        """Forget the published ports of a container that ended; return whether it had any."""
        with self._database.transaction() as connection:
            return networks.remove_ports(connection, container.id)

    def find(self, container_id: str) -> ContainerRecord:
        """Return a container as it is stored. Raises NotFound."""
        return containers.find(self._database.read(), container_id)

    def of_project(self, project: str) -> list[ContainerRecord]:
        """Return all containers of a project."""
        return containers.all_of(self._database.read(), project)

    def identity(self, container_id: str) -> tuple[int, int, str]:
        """Return (pid, start time, boot id)."""
        return containers.identity(self._database.read(), container_id)

    def is_manually_stopped(self, container_id: str) -> bool:
        """Whether a person stopped it."""
        return containers.is_manually_stopped(self._database.read(), container_id)

    def exists(self, container_id: str) -> bool:
        """Whether the container is still stored."""
        try:
            self.find(container_id)
        except EngineError:
            return False
        return True


def event(container: ContainerRecord, action: str, **attributes: str) -> EngineEvent:
    """Return an event of a container."""
    spec = container.spec
    return EngineEvent(
        "container",
        action,
        container.id,
        spec.project,
        spec.service,
        spec.name,
        {"image": spec.image, **attributes},
    )
