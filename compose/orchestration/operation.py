"""What a plan is made of: one class per Runtime call, each with the reason why it is there.

`resource` is the word for logs and plan texts (`service:web:1`, `network:default`), `cause` says why
("no container yet", "config changed: environment.DEBUG"). Containers are referred to by id where they
exist at planning time, since a replacement takes the name over, and by name where they do not.
"""

from dataclasses import field
from enum import StrEnum

from schemas.dataclass import dataclass
from schemas.engine.builds import BuildSpec
from schemas.engine.specs import ContainerSpec, ExecSpec, NetworkSpec, VolumeSpec


class Condition(StrEnum):
    """What a waiter waits for. Source: compose-spec, depends_on."""

    STARTED = "service_started"
    HEALTHY = "service_healthy"
    COMPLETED = "service_completed_successfully"
    SETTLED = "running_or_healthy"
    """`up --wait`: healthy where there is a health check, otherwise running, or ended well for good."""


@dataclass(frozen=True, slots=True)
class PullImage:
    """Runtime.pull_image. `name` is the service it is for."""

    resource: str
    name: str
    image: str
    cause: str
    platform: str = ""
    """Empty: this machine's."""
    also: tuple[str, ...] = ()
    """Further services with the same image."""
    buildable: bool = False
    """A failure is shown as a warning: the image can be built."""
    lenient: bool = False
    """A failure is none of the command's."""
    quiet: bool = False
    """Nothing is told of the layers."""

    @property
    def services(self) -> tuple[str, ...]:
        """All services that the image is for."""
        return (self.name, *self.also)


@dataclass(frozen=True, slots=True)
class PushImage:
    """Runtime.push_image. `name` is the service it is of."""

    resource: str
    name: str
    image: str
    cause: str
    quiet: bool = False
    """Nothing is told of the layers."""


@dataclass(frozen=True, slots=True)
class CreateNetwork:
    """Runtime.create_network."""

    resource: str
    spec: NetworkSpec
    cause: str


@dataclass(frozen=True, slots=True)
class RemoveNetwork:
    """Runtime.remove_network. With `lenient`, one that is still in use is a warning."""

    resource: str
    name: str
    cause: str
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class CreateVolume:
    """Runtime.create_volume."""

    resource: str
    spec: VolumeSpec
    cause: str


@dataclass(frozen=True, slots=True)
class RemoveVolume:
    """Runtime.remove_volume. With `lenient`, one that is still in use is a warning."""

    resource: str
    name: str
    cause: str
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class BuildImage:
    """Runtime.build_image."""

    resource: str
    name: str
    """The service."""
    spec: BuildSpec
    cause: str


@dataclass(frozen=True, slots=True)
class RemoveImage:
    """Runtime.remove_image. With `lenient`, one that is still in use is a warning."""

    resource: str
    name: str
    cause: str
    lenient: bool = True


@dataclass(frozen=True, slots=True)
class CreateContainer:
    """Runtime.create_container. `display` is the name it will have in the end."""

    resource: str
    spec: ContainerSpec
    cause: str
    display: str = ""
    anonymous_volumes: dict[str, str] = field(default_factory=dict)
    """Target to volume name, from the container that it replaces."""

    @property
    def name(self) -> str:
        """The name to show."""
        return self.display or self.spec.name


@dataclass(frozen=True, slots=True)
class StartContainer:
    """Runtime.start_container."""

    resource: str
    name: str
    cause: str
    reference: str = ""
    """Id; empty: found by name."""


@dataclass(frozen=True, slots=True)
class StopContainer:
    """Runtime.stop_container."""

    resource: str
    name: str
    cause: str
    reference: str = ""
    timeout_s: float | None = None
    """None: the container's own grace period; negative: no limit."""


@dataclass(frozen=True, slots=True)
class KillContainer:
    """Runtime.kill_container."""

    resource: str
    name: str
    cause: str
    reference: str = ""
    signal: str = "SIGKILL"


@dataclass(frozen=True, slots=True)
class PauseContainer:
    """Runtime.pause_container."""

    resource: str
    name: str
    cause: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class UnpauseContainer:
    """Runtime.unpause_container."""

    resource: str
    name: str
    cause: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    """Runtime.remove_container; with `volumes` its anonymous volumes go too."""

    resource: str
    name: str
    cause: str
    reference: str = ""
    force: bool = False
    volumes: bool = False


@dataclass(frozen=True, slots=True)
class RenameContainer:
    """Runtime.rename_container: `reference` is found by id or old name."""

    resource: str
    name: str
    """The new name."""
    reference: str
    cause: str


@dataclass(frozen=True, slots=True)
class RunHook:
    """Runtime.exec_start of a lifecycle hook, and its end. A code other than 0 is an error."""

    resource: str
    name: str
    spec: ExecSpec
    hook: str
    """post_start or pre_stop."""
    cause: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class WaitCondition:
    """Wait until containers of a service are as a dependent needs them. Changes nothing."""

    resource: str
    service: str
    containers: tuple[str, ...]
    """Names."""
    condition: Condition
    cause: str
    required: bool = True
    """False: what goes wrong is a warning."""
    timeout_s: float | None = None
    """Seconds; None is for ever."""

    @property
    def name(self) -> str:
        """The name to show."""
        return ", ".join(self.containers)


ContainerOperation = (
    CreateContainer
    | StartContainer
    | StopContainer
    | KillContainer
    | PauseContainer
    | UnpauseContainer
    | RemoveContainer
    | RenameContainer
    | RunHook
)
ResourceOperation = CreateNetwork | RemoveNetwork | CreateVolume | RemoveVolume | RemoveImage
ImageOperation = PullImage | PushImage
Operation = ContainerOperation | ResourceOperation | ImageOperation | BuildImage | WaitCondition
