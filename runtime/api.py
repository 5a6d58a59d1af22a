"""The runtime's faces: reading what exists, meeting what runs, images, and all that can be changed.

`RuntimeReader` is built on the state alone (runtime.query.StateReader) and stays light; each of the others adds to the
one before, up to `Runtime`, the whole engine (runtime.engine.Engine). Callers above the runtime know these Protocols
and runtime.errors, nothing else. Every method may be called from several threads.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from schemas.engine.events import EngineEvent
from schemas.engine.records import (
    ContainerRecord,
    ImageRecord,
    LogLine,
    NetworkRecord,
    PublishedPort,
    VolumeRecord,
)
from schemas.engine.specs import CommitSpec, ContainerSpec, ExecSpec, NetworkSpec, PortBinding, VolumeSpec

if TYPE_CHECKING:
    # Names in signatures only. Readers import this module and make none of these: `ps` would pay for them.
    from schemas.engine.bootstraps import BootstrapSpec
    from schemas.engine.builds import BuildCheck, BuildEvent, BuildSpec, BuiltImage
    from schemas.engine.identifiers import DiffID
    from schemas.engine.storage import CachePruning, DiskUsage, ImageDetails, PrunedCache, PrunedImages
    from schemas.engine.transfers import PulledImage, PushedImage, TransferEvent
    from schemas.oci.image import Descriptor


class RuntimeReader(Protocol):
    """What exists. No method changes anything or waits, but for the ones that follow."""

    def containers(self, project: str | None = None) -> list[ContainerRecord]:
        """Return the containers of a project (of all: None) in any status, ordered by name."""

    def unattended(self) -> list[str]:
        """Return the projects that run by the state, but have no supervisor: `RuntimeSessions.adopt` makes sure."""

    def container(self, reference: str) -> ContainerRecord:
        """Return one by name, id or unambiguous beginning of an id. Raises NotFound."""

    def networks(self, project: str | None = None) -> list[NetworkRecord]:
        """Return the networks of a project (of all: None)."""

    def network(self, reference: str) -> NetworkRecord:
        """Return one by name or id. Raises NotFound."""

    def volumes(self, project: str | None = None) -> list[VolumeRecord]:
        """Return the volumes of a project (of all: None), anonymous ones too."""

    def volume(self, name: str) -> VolumeRecord:
        """Return one by name. Raises NotFound."""

    def images(self) -> list[ImageRecord]:
        """Return all images of the store and the built-in ones."""

    def image(self, reference: str) -> ImageRecord:
        """Return one by reference, id or unambiguous beginning of an id. Raises NotFound."""

    def image_since_ns(self, reference: str) -> int:
        """Return when a name was last pulled, loaded or given, in nanoseconds since the epoch; 0: nobody knows."""

    def logs(
        self, container: str, *, tail: int | None = None, since_ns: int = 0, until_ns: int = 0
    ) -> Iterator[LogLine]:
        """Yield the kept output in order, then end. `tail` counts lines from the end."""

    def follow_logs(self, container: str, *, tail: int | None = None, since_ns: int = 0) -> "LogFollower":
        """Return a reader that goes on as output comes, over restarts, until the container ends."""

    def events(self, project: str | None = None, *, since_ns: int = 0, until_ns: int = 0) -> list[EngineEvent]:
        """Return what is in the journal, oldest first."""


class LogFollower(Protocol):
    """Output as it comes, without polling the disk."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when `read` may have something."""

    def read(self) -> list[LogLine]:
        """Return the new lines, perhaps none; never waits."""

    @property
    def ended(self) -> bool:
        """Whether nothing more can come: the container has ended and all has been read."""

    def close(self) -> None:
        """Release the descriptors."""


class EventStream(Protocol):
    """Events of one project from the moment of the call, pushed by its supervisor."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when `read` may have something."""

    def read(self, timeout_s: float | None = None) -> EngineEvent | None:
        """Return the next event, or None when `timeout_s` seconds passed without one."""

    def close(self) -> None:
        """Stop listening."""


class ExecSession(Protocol):
    """A process started by `exec_start`."""

    @property
    def pty_fd(self) -> int | None:
        """Master of the pseudo-terminal with `tty`; the caller copies and closes it."""

    def resize(self, rows: int, columns: int) -> None:
        """Tell the terminal its size."""

    def wait(self) -> int:
        """Wait for the end; return the exit code, 128+n for signal n."""

    def signal(self, number: int) -> None:
        """Send a signal to the process."""


class AttachSession(Protocol):
    """The terminal or standard input of a container's own process."""

    @property
    def output_fd(self) -> int | None:
        """With a tty: what it prints, from now on. Without: None, read `follow_logs`."""

    @property
    def input_fd(self) -> int | None:
        """Where to write its input; closing it ends the input (without a tty)."""

    def resize(self, rows: int, columns: int) -> None:
        """Tell the terminal its size."""

    def close_input(self) -> None:
        """End the input: close `input_fd`. Idempotent."""

    def close(self) -> None:
        """Let go; the process runs on."""


class TransferListener(Protocol):
    """Who wants to know how an image's layers come along. Called from several threads."""

    @property
    def is_cancelled(self) -> bool:
        """Whether the user has asked to stop: the transfer then ends with Cancelled."""

    def on(self, event: "TransferEvent") -> None:
        """Take in a layer's stage or progress."""


class Distribution(Protocol):
    """The runtime's client of registries (runtime.image.distribution), opened when one is first needed."""

    def pull(self, text: str, platform: str = "", listener: TransferListener | None = None) -> "PulledImage":
        """Bring an image into the store: Runtime.pull_image."""

    def push(self, text: str, listener: TransferListener | None = None) -> "PushedImage":
        """Bring an image of the store into a registry: Runtime.push_image."""

    def manifest(self, text: str, digest: str = "") -> bytes:
        """Return the manifest or index that a name leads to, or the manifest `digest` beside it."""

    def document(self, text: str, blob: "Descriptor") -> bytes:
        """Return a small blob of a name's repository."""

    def fetch_layers(self, text: str, layers: "Mapping[DiffID, Descriptor]", listener: TransferListener) -> None:
        """Bring layers of a name's repository into the store, unpacked."""

    def push_artefact(self, text: str, manifest: bytes, listener: TransferListener) -> None:
        """Let a name lead to a manifest whose blobs are all in the store."""

    def close(self) -> None:
        """Release connections and processes."""


class BuildListener(Protocol):
    """Who wants to know how a build comes along. Called from several threads."""

    @property
    def cancel_fd(self) -> int | None:
        """A descriptor that is readable once the user has asked to stop: the build then ends with Cancelled."""

    def on(self, event: "BuildEvent") -> None:
        """Take in what happened to a step."""


class Builder(Protocol):
    """The runtime's builder of images (runtime.build.builder), opened when one is first needed."""

    def build(self, spec: "BuildSpec", listener: BuildListener | None = None) -> "BuiltImage":
        """Build an image: Runtime.build_image."""

    def check(self, spec: "BuildSpec") -> "BuildCheck":
        """Look a Dockerfile over: Runtime.check_build."""

    def prune(self, wanted: "CachePruning") -> "PrunedCache":
        """Remove what builds keep: Runtime.prune_builds."""


class BootstrapListener(Protocol):
    """Who wants to know how the making of a base image comes along. Called from several threads."""

    @property
    def is_cancelled(self) -> bool:
        """Whether the user has asked to stop: the making then ends with Cancelled."""

    def on(self, step: str) -> None:
        """Take in what is done now."""


class Bootstrapper(Protocol):
    """Who makes base images (runtime.image.bootstrap), opened when one is first wanted."""

    def bootstrap(self, spec: "BootstrapSpec", listener: BootstrapListener) -> ImageRecord:
        """Make one: Runtime.bootstrap_image."""


class RuntimeSessions(RuntimeReader, Protocol):
    """What runs, met without changing what exists (runtime.sessions.Sessions): light, like the reader."""

    def adopt(self, project: str) -> None:
        """Bring the state of a project's containers in line with what runs. Raises Unavailable, PermissionDenied."""

    def recall(self, project: str) -> str | None:
        """Return what `remember` was given, if nothing of the project has changed and all of it runs; else None."""

    def wait_container(self, reference: str) -> int:
        """Wait until it does not run any more; return its exit code."""

    def exec_start(
        self, reference: str, spec: ExecSpec, *, stdin: int | None, stdout: int | None, stderr: int | None
    ) -> ExecSession:
        """Start a process in it, on the caller's descriptors (all None with a tty, or for none).

        Raises FailedPrecondition when it does not run, StartFailed (126, 127).
        """

    def attach(self, reference: str) -> AttachSession:
        """Attach to the terminal or the input of its own process."""

    def subscribe(self, project: str) -> EventStream:
        """Listen to the events of a project."""

    def close(self) -> None:
        """Release descriptors and connections."""


class RuntimeImages(RuntimeSessions, Protocol):
    """Images, moved, built and removed without what containers need (runtime.images.Images)."""

    def plan(self, key: str) -> str | None:
        """Return what `keep_plan` was given under a key, if it is still there."""

    def keep_plan(self, key: str, text: str) -> None:
        """Keep a text for a while; `key` is a digest of the question that it answers."""

    def import_image(self, archive: Path, reference: str, *, changes: Sequence[str] = ()) -> ImageRecord:
        """Make an image of one layer from a tar of a root file system (`-` reads standard input)."""

    def load_images(self, archive: Path) -> list[ImageRecord]:
        """Load every image of an OCI or Docker archive."""

    def save_images(self, references: Sequence[str], target: Path, *, gzipped: bool = False) -> None:
        """Write images into one archive, Docker's and OCI's at once (`-` writes standard output).

        Raises NotFound, InvalidArgument, Unsupported, FailedPrecondition for a damaged blob.
        """

    def tag_image(self, source: str, reference: str) -> ImageRecord:
        """Let another name lead to an image. Raises NotFound, InvalidArgument."""

    def pull_image(
        self, reference: str, *, platform: str = "", listener: TransferListener | None = None
    ) -> "PulledImage":
        """Fetch an image from its registry, for this machine's platform unless another is named.

        Raises NotFound, PermissionDenied, Unavailable, Unsupported, Cancelled.
        """

    def push_image(self, reference: str, *, listener: TransferListener | None = None) -> "PushedImage":
        """Let a name of a registry lead to the image that it leads to here.

        Raises NotFound, PermissionDenied, Unavailable, FailedPrecondition, Cancelled.
        """

    def build_image(self, spec: "BuildSpec", *, listener: BuildListener | None = None) -> "BuiltImage":
        """Build an image from a Dockerfile, and let its names lead to it. Steps done before are not done again.

        Raises SourceError (ErrorSet for several), BuildFailed for an instruction, what `pull_image` raises for a base.
        """

    def check_build(self, spec: "BuildSpec") -> "BuildCheck":
        """Look a Dockerfile over without building. Raises as `build_image` does."""

    def bootstrap_image(self, spec: "BootstrapSpec", listener: BootstrapListener) -> ImageRecord:
        """Make a base image from a mirror's packages; at once when it is there. From the main thread only.

        Raises InvalidArgument, NotFound, Unavailable, Unsupported, ResourceExhausted, Cancelled.
        """

    def image_details(self, reference: str) -> "ImageDetails":
        """Return an image with its documents. Raises NotFound, FailedPrecondition for a damaged blob."""

    def prune_builds(self, wanted: "CachePruning") -> "PrunedCache":
        """Remove steps and cache mounts that builds keep; builds may go on meanwhile."""

    def prune_images(self, wanted: Callable[[ImageRecord], bool]) -> "PrunedImages":
        """Remove the images that are `wanted` and that no container uses, with all their names."""

    def remove_image(self, reference: str, *, force: bool = False) -> list[str]:
        """Untag, and delete when it was the last tag. Returns Docker's lines (`Untagged: …`)."""


class Runtime(RuntimeImages, Protocol):
    """What else can be changed. Methods are idempotent where their docstring says so."""

    def locked(self, project: str) -> AbstractContextManager[None]:
        """Hold the project's lock: one changing command at a time. Waits, and says for whom."""

    def prepare(self, project: str) -> None:
        """Start what the project will need while the caller still reads its files. Optional, never fails."""

    def remember(self, project: str, text: str) -> None:
        """Keep a text with the project's present state, in place of an earlier one."""

    def check_ports(self, bindings: Sequence[tuple[str, PortBinding]], *, ignoring: Sequence[str] = ()) -> None:
        """Raise Conflict, naming the holder, when a published port is taken.

        `bindings` are (container name, binding); ports held by the containers in `ignoring` (ids) count as free.
        """

    def create_network(self, spec: NetworkSpec) -> NetworkRecord:
        """Make a network. Idempotent for an equal spec; raises AlreadyExists for another one."""

    def remove_network(self, reference: str) -> None:
        """Remove a network. Raises NotFound, or FailedPrecondition while a container stands on it."""

    def create_volume(self, spec: VolumeSpec) -> VolumeRecord:
        """Make a named volume. Idempotent for an equal spec; raises AlreadyExists for another one."""

    def remove_volume(self, name: str) -> None:
        """Remove a volume and its content. Raises NotFound, or FailedPrecondition while it is mounted."""

    def disk_usage(self) -> "DiskUsage":
        """Return what takes space: images, containers, volumes, the build cache. Reads all folders."""

    def create_container(
        self, spec: ContainerSpec, *, anonymous_volumes: dict[str, str] | None = None
    ) -> ContainerRecord:
        """Make a container, not yet running. Raises AlreadyExists, NotFound (image, network, volume).

        `anonymous_volumes` (target: volume name) are carried over from a container it replaces.
        """

    def start_container(self, reference: str) -> ContainerRecord:
        """Start it and return once its program runs. Idempotent. Raises StartFailed, Conflict (port)."""

    def stop_container(self, reference: str, *, timeout_s: float | None = None, signal: str = "") -> ContainerRecord:
        """Signal, wait, kill; returns when it has ended. Idempotent. Negative `timeout_s`: wait for ever."""

    def kill_container(self, reference: str, signal: str = "SIGKILL") -> None:
        """Send a signal. Raises FailedPrecondition when it does not run."""

    def pause_container(self, reference: str) -> None:
        """Freeze every process of it. Raises FailedPrecondition when it does not run."""

    def unpause_container(self, reference: str) -> None:
        """Thaw it. Raises FailedPrecondition when it is not paused."""

    def remove_container(self, reference: str, *, force: bool = False, volumes: bool = False) -> None:
        """Remove it; `force` kills first; `volumes` takes its anonymous volumes along. Idempotent.

        Raises FailedPrecondition when it runs and `force` is not given.
        """

    def commit_container(self, reference: str, spec: CommitSpec) -> ImageRecord:
        """Make an image of it, running or not, on top of its own. Hold the project's lock.

        Raises InvalidArgument, Unsupported for the built-in image, FailedPrecondition when its image is gone.
        """

    def export_container(self, reference: str, target: Path) -> None:
        """Write its root file system as a tar, without what is mounted in it (`-`: standard output)."""

    def rename_container(self, reference: str, name: str) -> None:
        """Give it another name. Raises AlreadyExists."""

    def published_port(self, reference: str, container_port: int, protocol: str = "tcp") -> list[PublishedPort]:
        """Return where a port is published."""

    def close(self) -> None:
        """Release descriptors and connections."""
