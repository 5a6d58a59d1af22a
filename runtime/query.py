"""Reading what exists from the state alone: the whole runtime that `ps` and `logs` need.

Light on purpose: nothing here leads to pydantic, networkx, pyroute2 or a process.
"""

from collections.abc import Iterator

from runtime import locks
from runtime.image import catalog
from runtime.logs import reader
from runtime.logs.follow import Follower
from runtime.paths import Paths, default_paths
from runtime.state import containers, journal, networks, volumes
from runtime.state.database import Database
from schemas.engine.events import EngineEvent
from schemas.engine.records import ContainerRecord, ImageRecord, LogLine, NetworkRecord, VolumeRecord
from schemas.engine.status import ContainerStatus


def open_reader(paths: Paths | None = None) -> "StateReader":
    """Return a reader of the user's state."""
    paths = paths or default_paths()
    return StateReader(paths, Database(paths.database))


class StateReader:
    """runtime.api.RuntimeReader on the database and the log files."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self.paths = paths
        self.database = database

    def containers(self, project: str | None = None) -> list[ContainerRecord]:
        """Return the containers of a project (of all: None) in any status, ordered by name."""
        return containers.all_of(self.database.read(), project)

    def unattended(self) -> list[str]:
        """Return the projects whose containers should run, by the state, and that no supervisor looks after.

        Both of its processes were killed, or the machine was restarted: the state may be out of date.
        """
        live = containers.live_projects(self.database.read())
        return [project for project in live if not locks.is_held(self.paths.keeper_lock(project))]

    def container(self, reference: str) -> ContainerRecord:
        """Return one by name, id or unambiguous beginning of an id. Raises NotFound."""
        return containers.find(self.database.read(), reference)

    def networks(self, project: str | None = None) -> list[NetworkRecord]:
        """Return the networks of a project (of all: None)."""
        return networks.all_of(self.database.read(), project)

    def network(self, reference: str) -> NetworkRecord:
        """Return one by name or id. Raises NotFound."""
        return networks.find(self.database.read(), reference)

    def volumes(self, project: str | None = None) -> list[VolumeRecord]:
        """Return the volumes of a project (of all: None), anonymous ones too."""
        return volumes.all_of(self.database.read(), self.paths.volumes, project)

    def volume(self, name: str) -> VolumeRecord:
        """Return one by name. Raises NotFound."""
        return volumes.find(self.database.read(), self.paths.volumes, name)

    def images(self) -> list[ImageRecord]:
        """Return all images of the store and the built-in one."""
        return catalog.all_images(self.database.read())

    def image(self, reference: str) -> ImageRecord:
        """Return one by reference, id or unambiguous beginning of an id. Raises NotFound."""
        return catalog.find_image(self.database.read(), reference)

    def image_since_ns(self, reference: str) -> int:
        """Return when a name was last pulled, loaded or given; 0 where nobody knows."""
        return catalog.since_ns(self.database.read(), reference)

    def logs(
        self, container: str, *, tail: int | None = None, since_ns: int = 0, until_ns: int = 0
    ) -> Iterator[LogLine]:
        """Yield the kept output in order, then end. `tail` counts lines from the end."""
        folder = self.paths.log(self.container(container).id)
        return reader.read(folder, tail=tail, since_ns=since_ns, until_ns=until_ns)

    def follow_logs(self, container: str, *, tail: int | None = None, since_ns: int = 0) -> Follower:
        """Return a reader that goes on as output comes, over restarts, until the container ends."""
        container_id = self.container(container).id

        def may_continue() -> bool:
            status = self.container(container_id).status
            return status.is_live or status is ContainerStatus.CREATED

        return Follower(self.paths.log(container_id), may_continue, tail=tail, since_ns=since_ns)

    def events(self, project: str | None = None, *, since_ns: int = 0, until_ns: int = 0) -> list[EngineEvent]:
        """Return what is in the journal, oldest first."""
        return journal.events(self.database.read(), project, since_ns=since_ns, until_ns=until_ns)

    def close(self) -> None:
        """Close the database."""
        self.database.close()
