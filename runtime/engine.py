"""The engine: runtime.api.Runtime on the state, the stores, the networks and the supervisors.

It decides nothing about Compose projects and forks no container; it resolves names, takes locks
and hands each call to the module that knows.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runtime import locks
from runtime.api import BootstrapListener, Bootstrapper, Builder, BuildListener, Distribution, TransferListener
from runtime.container import committing, creation, lifecycle, usage
from runtime.container.partners import Partners
from runtime.container.recovery import recover
from runtime.errors import FailedPrecondition, NotFound, PermissionDenied, Unsupported
from runtime.image.store import ImageStore
from runtime.network.controller import NetworkController
from runtime.paths import Paths, default_paths
from runtime.sessions import Sessions
from runtime.signals import signal_name
from runtime.state import memos
from runtime.state.database import Database
from runtime.supervisor.client import Supervisors
from runtime.volume.store import VolumeStore
from schemas.engine.bootstraps import BootstrapSpec
from schemas.engine.builds import BuildCheck, BuildSpec, BuiltImage
from schemas.engine.records import ContainerRecord, ImageRecord, NetworkRecord, PublishedPort, VolumeRecord
from schemas.engine.specs import CommitSpec, ContainerSpec, NetworkSpec, PortBinding, VolumeSpec
from schemas.engine.storage import DiskUsage, ImageDetails, PrunedImages
from schemas.engine.transfers import PulledImage, PushedImage

DistributionFactory = Callable[[Database, ImageStore], Distribution]
Fetch = Callable[[str, str, TransferListener], PulledImage]
BuilderFactory = Callable[[Database, Paths, ImageStore, NetworkController, Fetch], Builder]
BootstrapperFactory = Callable[[ImageStore], Bootstrapper]


def open_engine(
    paths: Paths | None = None,
    *,
    distribution: DistributionFactory | None = None,
    builder: BuilderFactory | None = None,
    bootstrapper: BootstrapperFactory | None = None,
) -> "Engine":
    """Return the engine on the user's state. Raises PermissionDenied without the rights it needs.

    `distribution` makes the client of registries when one is first needed, since its HTTP library is
    not for commands that need none; `builder` and `bootstrapper` likewise make what builds images, and base images.
    """
    if os.geteuid() != 0:
        raise PermissionDenied(
            "pycompose makes namespaces, mounts and bridges, which needs root",
            hint="run it with sudo; rootless containers come with a later version",
        )
    paths = paths or default_paths()
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
        distribution,
        builder,
        bootstrapper,
    )


class Engine(Sessions):
    """Everything that changes something; reading and sessions are inherited."""

    def __init__(
        self,
        partners: Partners,
        distribution: DistributionFactory | None = None,
        builder: BuilderFactory | None = None,
        bootstrapper: BootstrapperFactory | None = None,
    ) -> None:
        super().__init__(partners.paths, partners.database, partners.supervisors)
        self._partners = partners
        self._make_distribution = distribution
        self._make_builder = builder
        self._make_bootstrapper = bootstrapper
        self._opened_distribution: Distribution | None = None
        self._distribution_lock = threading.Lock()

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

    def import_image(self, archive: Path, reference: str, *, changes: Sequence[str] = ()) -> ImageRecord:
        """Make an image of one layer from a tar of a root file system."""
        return self._partners.images.import_tar(archive, reference, changes)

    def load_images(self, archive: Path) -> list[ImageRecord]:
        """Load every image of an OCI or Docker archive."""
        return self._partners.images.load(archive)

    def save_images(self, references: Sequence[str], target: Path, *, gzipped: bool = False) -> None:
        """Write images into one archive, Docker's and OCI's at once."""
        self._partners.images.save(references, target, gzipped=gzipped)

    def tag_image(self, source: str, reference: str) -> ImageRecord:
        """Let another name lead to an image."""
        return self._partners.images.tag(source, reference)

    def pull_image(
        self, reference: str, *, platform: str = "", listener: TransferListener | None = None
    ) -> PulledImage:
        """Fetch an image from its registry."""
        return self._distribution().pull(reference, platform, listener)

    def push_image(self, reference: str, *, listener: TransferListener | None = None) -> PushedImage:
        """Let a name of a registry lead to the image that it leads to here."""
        return self._distribution().push(reference, listener)

    def build_image(self, spec: BuildSpec, *, listener: BuildListener | None = None) -> BuiltImage:
        """Build an image from a Dockerfile, and let its names lead to it."""
        return self._builder().build(spec, listener)

    def check_build(self, spec: BuildSpec) -> BuildCheck:
        """Look a Dockerfile over without building."""
        return self._builder().check(spec)

    def bootstrap_image(self, spec: BootstrapSpec, listener: BootstrapListener) -> ImageRecord:
        """Make a base image from the packages of a mirror."""
        if self._make_bootstrapper is None:
            raise Unsupported("this engine was opened without a maker of base images")
        return self._make_bootstrapper(self._partners.images).bootstrap(spec, listener)

    def image_details(self, reference: str) -> ImageDetails:
        """Return an image with its documents."""
        return self._partners.images.details(reference)

    def prune_images(self, wanted: Callable[[ImageRecord], bool]) -> PrunedImages:
        """Remove the images that are `wanted` and that no container uses."""
        return self._partners.images.prune(wanted)

    def disk_usage(self) -> DiskUsage:
        """Return what takes space in the state directory."""
        return usage.measure(self._partners)

    def remove_image(self, reference: str, *, force: bool = False) -> list[str]:
        """Untag, and delete when it was the last tag."""
        return self._partners.images.remove(reference, force=force)

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
        if self._opened_distribution is not None:
            self._opened_distribution.close()
        self._partners.close()

    def _distribution(self) -> Distribution:
        with self._distribution_lock:
            if self._opened_distribution is None:
                if self._make_distribution is None:
                    raise Unsupported("this engine was opened without a client of registries")
                self._opened_distribution = self._make_distribution(self.database, self._partners.images)
            return self._opened_distribution

    def _builder(self) -> Builder:
        if self._make_builder is None:
            raise Unsupported("this engine was opened without a builder")
        parts = self._partners
        return self._make_builder(
            parts.database,
            parts.paths,
            parts.images,
            parts.networks,
            lambda reference, platform, listener: self.pull_image(reference, platform=platform, listener=listener),
        )
