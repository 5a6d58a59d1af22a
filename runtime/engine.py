"""The engine: runtime.api.Runtime on the state, the stores, the networks and the supervisors.

It decides nothing about Compose projects and forks no container; it resolves names, takes locks
and hands each call to the module that knows.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runtime import locks
from runtime.container import committing, creation, lifecycle, usage
from runtime.container.partners import Partners
from runtime.container.recovery import recover
from runtime.errors import FailedPrecondition, NotFound
from runtime.image.store import ImageStore
from runtime.images import Images, Makers, permitted
from runtime.network.controller import NetworkController
from runtime.paths import Paths
from runtime.signals import signal_name
from runtime.state import memos
from runtime.state.database import Database
from runtime.supervisor.client import Supervisors
from runtime.volume.store import VolumeStore
from schemas.engine.records import ContainerRecord, ImageRecord, NetworkRecord, PublishedPort, VolumeRecord
from schemas.engine.specs import CommitSpec, ContainerSpec, NetworkSpec, PortBinding, VolumeSpec
from schemas.engine.storage import DiskUsage


def open_engine(paths: Paths | None = None, makers: Makers | None = None) -> "Engine":
    """Return the engine on the user's state. Raises PermissionDenied without the rights it needs."""
    paths = permitted(paths)
    database = Database(paths.database)
    return Engine(
        Partners(
            paths=paths,
            database=database,
            images=ImageStore(database, paths),
            volumes=VolumeStore(database, paths),
            networks=NetworkController(database, paths),
            supervisors=Supervisors(paths),
        ),
        makers or Makers(),
    )


class Engine(Images):
    """Everything that changes something else; reading, sessions and images are inherited."""

    def __init__(self, partners: Partners, makers: Makers) -> None:
        super().__init__(partners.paths, partners.database, partners.supervisors, partners.images, makers)
        self._partners = partners

    @contextmanager
    def locked(self, project: str) -> Iterator[None]:
        """Hold the project's lock; what a killed command left is finished first."""

        def waiting(holder: str) -> None:
            sys.stderr.write(f"waits for another command on project `{project}`: {holder}\n")

        with locks.exclusive(self.paths.project_lock(project), waiting):
            if project in self.unattended():
                self.adopt(project)
            recover(self._partners, project)
            yield

    def prepare(self, project: str) -> None:
        """Start the project's supervisor and the network worker while the caller reads its files."""
        if not any(record.status.is_live for record in self.containers(project)):
            self._partners.networks.warm_up()
        self._partners.supervisor(project).start_early()

    def remember(self, project: str, text: str) -> None:
        """Keep a text with the project's present state."""
        with self.database.transaction() as connection:
            memos.remember(connection, project, text)

    def check_ports(self, bindings: Sequence[tuple[str, PortBinding]], *, ignoring: Sequence[str] = ()) -> None:
        """Raise Conflict, naming the holder, when a published port is taken."""
        self._partners.networks.check_ports(bindings, ignoring=ignoring)

    def create_network(self, spec: NetworkSpec) -> NetworkRecord:
        """Make a network. Idempotent for an equal spec."""
        return self._partners.networks.create_network(spec)

    def remove_network(self, reference: str) -> None:
        """Remove a network no container stands on."""
        self._partners.networks.remove_network(self.network(reference))

    def create_volume(self, spec: VolumeSpec) -> VolumeRecord:
        """Make a named volume. Idempotent for an equal spec."""
        return self._partners.volumes.create(spec)

    def remove_volume(self, name: str) -> None:
        """Remove a volume nothing mounts."""
        self._partners.volumes.remove(name)

    def disk_usage(self) -> DiskUsage:
        """Return what takes space in the state directory."""
        return usage.measure(self._partners)

    def create_container(
        self, spec: ContainerSpec, *, anonymous_volumes: dict[str, str] | None = None
    ) -> ContainerRecord:
        """Make a container, not yet running."""
        return creation.create(self._partners, spec, anonymous_volumes or {})

    def start_container(self, reference: str) -> ContainerRecord:
        """Start it and return once its program runs."""
        record = self.container(reference)
        lifecycle.start(self._partners, record)
        return self.container(record.id)

    def stop_container(self, reference: str, *, timeout_s: float | None = None, signal: str = "") -> ContainerRecord:
        """Signal, wait, kill; return when it has ended."""
        record = self.container(reference)
        lifecycle.stop(self._partners, record, timeout_s=timeout_s, signal=signal)
        return self.container(record.id)

    def kill_container(self, reference: str, signal: str = "SIGKILL") -> None:
        """Send a signal."""
        lifecycle.kill(self._partners, self.container(reference), signal_name(signal))

    def pause_container(self, reference: str) -> None:
        """Freeze every process of it."""
        lifecycle.pause(self._partners, self.container(reference))

    def unpause_container(self, reference: str) -> None:
        """Thaw it."""
        lifecycle.unpause(self._partners, self.container(reference))

    def remove_container(self, reference: str, *, force: bool = False, volumes: bool = False) -> None:
        """Remove it; `force` kills first. Idempotent."""
        try:
            record = self.container(reference)
        except NotFound:
            return
        if record.status.is_live:
            if not force:
                raise FailedPrecondition(
                    f"container `{record.name}` is {record.status}", hint="stop it first, or remove it with force"
                )
            lifecycle.stop(self._partners, record, timeout_s=0.0, signal="SIGKILL")
            record = self.container(record.id)
        creation.remove(self._partners, record, with_volumes=volumes)

    def commit_container(self, reference: str, spec: CommitSpec) -> ImageRecord:
        """Make an image of it."""
        return committing.commit(self._partners, self.container(reference), spec)

    def export_container(self, reference: str, target: Path) -> None:
        """Write its root file system as a tar."""
        committing.export(self._partners, self.container(reference), target)

    def rename_container(self, reference: str, name: str) -> None:
        """Give it another name."""
        lifecycle.rename(self._partners, self.container(reference), name)

    def published_port(self, reference: str, container_port: int, protocol: str = "tcp") -> list[PublishedPort]:
        """Return where a port is published."""
        return [
            port
            for port in self.container(reference).ports
            if (port.container_port, port.protocol) == (container_port, protocol)
        ]

    def close(self) -> None:
        """Release descriptors and connections."""
        self._partners.networks.close()
        super().close()

    def _networks(self) -> NetworkController:
        return self._partners.networks
