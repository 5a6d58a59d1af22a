# ruff: noqa: ARG002 - the arguments are those of the Protocol
"""A runtime in memory, for tests of decisions and of the executor. It keeps the rules of runtime.api."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue

from runtime.api import BootstrapListener, BuildListener, TransferListener
from runtime.errors import AlreadyExists, EngineError, FailedPrecondition, NotFound
from schemas.engine.bootstraps import BootstrapSpec
from schemas.engine.builds import BuildCheck, BuildEvent, BuildSpec, BuildStage, BuiltImage
from schemas.engine.events import EngineEvent
from schemas.engine.identifiers import ContainerID, ImageID
from schemas.engine.records import (
    ContainerRecord,
    EndpointRecord,
    ImageRecord,
    LogLine,
    NetworkRecord,
    PublishedPort,
    VolumeRecord,
)
from schemas.engine.specs import ContainerSpec, ExecSpec, NetworkSpec, PortBinding, VolumeSpec
from schemas.engine.status import ContainerStatus, HealthStatus
from schemas.engine.transfers import PulledImage, PushedImage, TransferEvent, TransferStage
from tests.support import builders


@dataclass
class FakeStream:
    """Events with a real descriptor to poll."""

    on_close: "Callable[[FakeStream], None]"
    queue: SimpleQueue[EngineEvent] = field(default_factory=SimpleQueue)
    descriptor: int = field(default_factory=lambda: os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK | os.EFD_SEMAPHORE))

    def push(self, event: EngineEvent) -> None:
        self.queue.put(event)
        os.eventfd_write(self.descriptor, 1)

    def fileno(self) -> int:
        return self.descriptor

    def read(self, timeout_s: float | None = None) -> EngineEvent | None:
        try:
            event: EngineEvent | None = self.queue.get(timeout=timeout_s) if timeout_s else self.queue.get_nowait()
        except Empty:
            event = None
        with suppress(BlockingIOError):
            os.eventfd_read(self.descriptor)
        return event

    def reconnected(self) -> None:
        """Be readable without an event, as the real one when it listens to a new supervisor."""
        os.eventfd_write(self.descriptor, 1)

    def close(self) -> None:
        self.on_close(self)
        os.close(self.descriptor)


@dataclass
class FakeSession:
    """A process that has ended already."""

    code: int
    pty_fd: int | None = None

    def resize(self, rows: int, columns: int) -> None:
        return None

    def wait(self) -> int:
        return self.code

    def signal(self, number: int) -> None:
        return None


class FakeRuntime:
    """Containers, networks and volumes as dictionaries.

    `script` says what a container does once it runs: a function of its record, called on start.
    `failures` maps `method name` to the error to raise, `delays` method to seconds.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failures: dict[str, EngineError] = {}
        self.delays: dict[str, float] = {}
        self.script: Callable[[ContainerRecord], None] = lambda _record: None
        self.hook_codes: dict[str, int] = {}
        self.known_images: dict[str, ImageRecord] = {"busybox": builders.image()}
        self.remote_images: dict[str, str] = {}
        """Reference to the version that a pull brings, where it is not 1."""
        self.unpullable: set[str] = set()
        self.unbuildable: dict[str, list[EngineError]] = {}
        self.images_since_ns: dict[str, int] = {}
        self.subscriptions = 0
        self.busiest = 0
        self._busy = 0
        self._containers: dict[str, ContainerRecord] = {}
        self._networks: dict[str, NetworkRecord] = {}
        self._volumes: dict[str, VolumeRecord] = {}
        self._streams: list[FakeStream] = []
        self._lock = threading.RLock()
        self._serial = 0

    # Reading.

    def containers(self, project: str | None = None) -> list[ContainerRecord]:
        with self._lock:
            found = [each for each in self._containers.values() if project in {None, each.spec.project}]
        return sorted(found, key=lambda record: record.name)

    def container(self, reference: str) -> ContainerRecord:
        with self._lock:
            for record in self._containers.values():
                if reference in {record.id, record.name}:
                    return record
        raise NotFound(f"no such container: `{reference}`")

    def networks(self, project: str | None = None) -> list[NetworkRecord]:
        return [each for each in self._networks.values() if project in {None, each.spec.project}]

    def network(self, reference: str) -> NetworkRecord:
        if reference not in self._networks:
            raise NotFound(f"no such network: `{reference}`")
        return self._networks[reference]

    def volumes(self, project: str | None = None) -> list[VolumeRecord]:
        return [each for each in self._volumes.values() if project in {None, each.spec.project}]

    def volume(self, name: str) -> VolumeRecord:
        if name not in self._volumes:
            raise NotFound(f"no such volume: `{name}`")
        return self._volumes[name]

    def images(self) -> list[ImageRecord]:
        return list(self.known_images.values())

    def image(self, reference: str) -> ImageRecord:
        if reference not in self.known_images:
            raise NotFound(f"no such image: `{reference}`")
        return self.known_images[reference]

    def image_since_ns(self, reference: str) -> int:
        return self.images_since_ns.get(reference, 0)

    def pull_image(
        self, reference: str, *, platform: str = "", listener: TransferListener | None = None
    ) -> PulledImage:
        self.calls.append(f"pull_image {reference}")
        if reference in self.unpullable:
            raise NotFound(f"manifest for `{reference}` not found: manifest unknown")
        record = builders.image(reference, self.remote_images.get(reference, "1"))
        known = self.known_images.get(reference)
        self.known_images[reference] = record
        if listener is not None:
            listener.on(TransferEvent("0123456789ab", TransferStage.PULLED))
        return PulledImage(record, record.id, known is None or known.id != record.id)

    def push_image(self, reference: str, *, listener: TransferListener | None = None) -> PushedImage:
        self.calls.append(f"push_image {reference}")
        if reference not in self.known_images:
            raise NotFound(f"An image does not exist locally with the tag: {reference}")
        if listener is not None:
            listener.on(TransferEvent("0123456789ab", TransferStage.MOUNTED, source="base"))
        return PushedImage("sha256:0", 0)

    def build_image(self, spec: BuildSpec, *, listener: BuildListener | None = None) -> BuiltImage:
        self.calls.append(f"build_image {spec.references[0]}")
        for error in self.unbuildable.get(spec.references[0], ()):
            raise error
        if listener is not None:
            listener.on(BuildEvent(1, "[1/1] RUN x", BuildStage.STARTED))
        record = builders.image(spec.references[0], "built")
        self.known_images.update(dict.fromkeys(spec.references, record))
        return BuiltImage(record, is_new=True)

    def check_build(self, spec: BuildSpec) -> BuildCheck:
        self.calls.append(f"check_build {spec.references[0]}")
        return BuildCheck()

    def logs(
        self, container: str, *, tail: int | None = None, since_ns: int = 0, until_ns: int = 0
    ) -> Iterator[LogLine]:
        yield LogLine(1, "stderr", f"last words of {self.container(container).name}".encode())

    # Changing.

    @contextmanager
    def locked(self, project: str) -> Iterator[None]:
        yield

    def prepare(self, project: str) -> None:
        return None

    def close(self) -> None:
        return None

    def check_ports(self, bindings: Sequence[tuple[str, PortBinding]], *, ignoring: Sequence[str] = ()) -> None:
        self.calls.append(f"check_ports {' '.join(f'{name}:{binding.host_port}' for name, binding in bindings)}")

    def create_network(self, spec: NetworkSpec) -> NetworkRecord:
        with self._call("create_network", spec.name):
            if spec.name in self._networks and self._networks[spec.name].spec != spec:
                raise AlreadyExists(f"network `{spec.name}` exists")
            self._serial += 1
            record = replace(builders.network_record(spec), id=f"network-{self._serial}")
            return self._networks.setdefault(spec.name, record)

    def remove_network(self, reference: str) -> None:
        with self._call("remove_network", reference):
            self.network(reference)
            for record in self._containers.values():
                if any(place.network == reference for place in record.endpoints):
                    raise FailedPrecondition(f"network `{reference}` has active endpoints")
            del self._networks[reference]

    def create_volume(self, spec: VolumeSpec) -> VolumeRecord:
        with self._call("create_volume", spec.name):
            return self._volumes.setdefault(spec.name, builders.volume_record(spec))

    def remove_volume(self, name: str) -> None:
        with self._call("remove_volume", name):
            self.volume(name)
            if any(name in record.volumes for record in self._containers.values()):
                raise FailedPrecondition(f"volume `{name}` is in use")
            del self._volumes[name]

    def remove_image(self, reference: str, *, force: bool = False) -> list[str]:
        with self._call("remove_image", reference):
            del self.known_images[reference]
            return [f"Untagged: {reference}"]

    def create_container(
        self, spec: ContainerSpec, *, anonymous_volumes: dict[str, str] | None = None
    ) -> ContainerRecord:
        with self._call("create_container", spec.name):
            if any(record.name == spec.name for record in self._containers.values()):
                raise AlreadyExists(f"the container name `{spec.name}` is already in use")
            for partner in _partners(spec):
                self.container(partner)
            self._serial += 1
            identifier = ContainerID(f"{self._serial:064x}")
            record = replace(
                builders.record_of(spec, status=ContainerStatus.CREATED),
                id=identifier,
                image_id=ImageID(self.image(spec.image).id),
                endpoints=tuple(self._place(place.network) for place in spec.endpoints),
                anonymous_volumes=tuple((anonymous_volumes or {}).items()),
            )
            for mount in spec.mounts:
                if mount.type == "volume" and mount.source:
                    self.volume(mount.source)
            self._containers[identifier] = record
            return record

    def _place(self, name: str) -> EndpointRecord:
        return replace(builders.endpoint_record(name), network_id=self.network(name).id)

    def start_container(self, reference: str) -> ContainerRecord:
        record = self.container(reference)
        with self._call("start_container", record.name):
            if not record.status.is_live:
                health = HealthStatus.STARTING if record.spec.healthcheck else HealthStatus.NONE
                self.change(record.id, "start", status=ContainerStatus.RUNNING, health=health, started_ns=1)
        self.script(self.container(record.id))
        return self.container(record.id)

    def stop_container(self, reference: str, *, timeout_s: float | None = None, signal: str = "") -> ContainerRecord:
        record = self.container(reference)
        with self._call("stop_container", record.name):
            if record.status.is_live:
                self.ends(record.id, 137)
            return self.container(record.id)

    def kill_container(self, reference: str, signal: str = "SIGKILL") -> None:
        record = self.container(reference)
        with self._call("kill_container", f"{record.name} {signal}"):
            if not record.status.is_live:
                raise FailedPrecondition(f"container `{record.name}` is not running")
            self.ends(record.id, 137)

    def pause_container(self, reference: str) -> None:
        with self._call("pause_container", self.container(reference).name):
            self.change(self.container(reference).id, "pause", status=ContainerStatus.PAUSED)

    def unpause_container(self, reference: str) -> None:
        with self._call("unpause_container", self.container(reference).name):
            self.change(self.container(reference).id, "unpause", status=ContainerStatus.RUNNING)

    def remove_container(self, reference: str, *, force: bool = False, volumes: bool = False) -> None:
        record = self.container(reference)
        with self._call("remove_container", record.name):
            if record.status.is_live and not force:
                raise FailedPrecondition(f"container `{record.name}` is running")
            del self._containers[record.id]
            self._tell(record, "destroy")

    def rename_container(self, reference: str, name: str) -> None:
        record = self.container(reference)
        with self._call("rename_container", name):
            if any(each.name == name for each in self._containers.values()):
                raise AlreadyExists(f"the container name `{name}` is already in use")
            self.change(record.id, "rename", spec=replace(record.spec, name=name))

    def wait_container(self, reference: str) -> int:
        return self.container(reference).exit_code

    def exec_start(
        self, reference: str, spec: ExecSpec, *, stdin: int | None, stdout: int | None, stderr: int | None
    ) -> FakeSession:
        with self._call("exec_start", f"{self.container(reference).name} {' '.join(spec.command)}"):
            return FakeSession(self.hook_codes.get(spec.command[0], 0))

    def subscribe(self, project: str) -> FakeStream:
        self.subscriptions += 1
        stream = FakeStream(self._forget)
        with self._lock:
            self._streams.append(stream)
        return stream

    def _forget(self, stream: FakeStream) -> None:
        with self._lock:
            self._streams.remove(stream)

    def published_port(self, reference: str, container_port: int, protocol: str = "tcp") -> list[PublishedPort]:
        return []

    def bootstrap_image(self, spec: BootstrapSpec, listener: BootstrapListener) -> ImageRecord:
        raise NotImplementedError

    def import_image(self, archive: Path, reference: str, *, changes: Sequence[str] = ()) -> ImageRecord:
        raise NotImplementedError

    def load_images(self, archive: Path) -> list[ImageRecord]:
        raise NotImplementedError

    # What tests make happen.

    def change(self, reference: str, action: str, **fields: object) -> None:
        """Change a record and tell the listeners."""
        with self._lock:
            record = replace(self.container(reference), **fields)  # type: ignore[arg-type]
            self._containers[record.id] = record
        self._tell(record, action)

    def ends(self, reference: str, code: int) -> None:
        """Let a container's process end."""
        self.change(reference, "die", status=ContainerStatus.EXITED, exit_code=code, finished_ns=1)

    def becomes(self, reference: str, health: HealthStatus) -> None:
        """Let a container's health change."""
        self.change(reference, "health_status", health=health)

    def _tell(self, record: ContainerRecord, action: str) -> None:
        event = EngineEvent("container", action, record.id, record.spec.project, record.spec.service, record.name)
        with self._lock:
            for stream in self._streams:
                stream.push(event)

    @contextmanager
    def _call(self, method: str, name: str) -> Iterator[None]:
        with self._lock:
            self.calls.append(f"{method} {name}")
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        try:
            if delay_s := self.delays.get(method, self.delays.get(f"{method} {name}", 0)):
                time.sleep(delay_s)
            if error := self.failures.get(f"{method} {name}"):
                raise error
            with self._lock:
                yield
        finally:
            with self._lock:
                self._busy -= 1


def _partners(spec: ContainerSpec) -> Iterator[str]:
    for mode in (spec.network_mode, spec.pid_mode, spec.ipc_mode):
        if mode.startswith("container:"):
            yield mode.removeprefix("container:")
    for shared in spec.volumes_from:
        yield shared.container
