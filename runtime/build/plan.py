"""What is to be done to build an image: data that the planner makes and the executor follows.

Every variable is expanded, every path below the image's root is absolute, every name of a stage is
resolved, so that whoever executes a step needs no Dockerfile.
"""

from dataclasses import field

from runtime.build.dockerfile.instructions import Location
from schemas.dataclass import dataclass
from schemas.engine.records import ImageConfig


@dataclass(frozen=True, slots=True)
class ImageSource:
    """An image of the store or a registry."""

    reference: str
    """As written, after expansion; not yet made canonical."""
    platform: str = ""
    """`os/architecture[/variant]`; empty for the machine's own."""


@dataclass(frozen=True, slots=True)
class StageSource:
    """The result of another stage of the same plan."""

    index: int
    """Its number in the Dockerfile."""


@dataclass(frozen=True, slots=True)
class ScratchSource:
    """Nothing at all."""


@dataclass(frozen=True, slots=True)
class ContextSource:
    """Files from outside: the build context, or a named one."""

    name: str = ""
    """Of an additional context that holds files; empty for the build context itself."""


Source = ImageSource | StageSource | ScratchSource | ContextSource


@dataclass(frozen=True, slots=True)
class InlineFile:
    """A here-document that becomes a file."""

    name: str
    content: str
    """Already expanded, with its line ends."""
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class BindMount:
    """`RUN --mount=type=bind`."""

    target: str
    source: Source
    path: str = "/"
    """Below the source's root."""
    read_only: bool = True
    """Otherwise what is written is thrown away after the step."""


@dataclass(frozen=True, slots=True)
class CacheMount:
    """`RUN --mount=type=cache`: kept between builds, never part of an image."""

    target: str
    id: str
    sharing: str = "shared"
    """shared, private or locked."""
    source: Source = field(default_factory=ScratchSource)
    """What an empty cache begins with."""
    path: str = "/"
    read_only: bool = False
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class TmpfsMount:
    """`RUN --mount=type=tmpfs`."""

    target: str
    size_bytes: int = 0
    """0: the kernel's default."""


@dataclass(frozen=True, slots=True)
class SecretMount:
    """`RUN --mount=type=secret`: a file, a variable, or both. Its content is in no cache key."""

    id: str
    target: str = ""
    """Empty: no file."""
    variable: str = ""
    """Empty: no variable."""
    required: bool = False
    mode: int = 0o400
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class SshMount:
    """`RUN --mount=type=ssh`: an agent's socket, its path in SSH_AUTH_SOCK."""

    id: str = "default"
    target: str = ""
    """Empty: /run/buildkit/ssh_agent.N, N counted in the step."""
    required: bool = False
    mode: int = 0o600
    uid: int = 0
    gid: int = 0


Mount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount


@dataclass(frozen=True, slots=True)
class Device:
    """`RUN --device`: what CDI describes under a name."""

    name: str
    required: bool = False
    """Otherwise the step does without where there is none."""


@dataclass(frozen=True, slots=True)
class History:
    """A line of the image's history (OCI image-spec, config.md)."""

    created_by: str
    empty_layer: bool
    comment: str = "buildkit.dockerfile.v0"


@dataclass(frozen=True, slots=True)
class Step:
    """What every step has."""

    location: Location
    text: str
    """The instruction with its variables expanded, on one line: for progress and for messages."""
    history: History | None
    """None: it leaves no line (ARG without effect)."""
    config: ImageConfig
    """Of the image after this step."""


@dataclass(frozen=True, slots=True)
class ConfigStep(Step):
    """Changes the configuration alone; nothing to execute."""


@dataclass(frozen=True, slots=True)
class WorkdirStep(Step):
    """Makes a folder and its parents where they do not exist, 0755."""

    path: str
    owner: str = ""
    """`user[:group]` that they belong to: the stage's USER; empty, or one that the image does not have, is root."""


@dataclass(frozen=True, slots=True)
class RunStep(Step):
    """Runs a program in the stage's root; what it changes is a layer."""

    arguments: tuple[str, ...]
    """The whole argument vector, the shell included."""
    environment: tuple[str, ...]
    """`NAME=value`: ENV and the ARGs in scope, in order, ENV last."""
    unkeyed_environment: tuple[str, ...]
    """Added to it without counting for the cache: the predefined proxy arguments."""
    working_dir: str
    user: str
    """`user[:group]`, names from the image's own files; empty for root."""
    mounts: tuple[Mount, ...] = ()
    files: tuple[InlineFile, ...] = ()
    """Scripts that `arguments` name as /dev/pipes/NAME: bound there read-only, executable."""
    network: str = "default"
    """default, none or host."""
    security: str = "sandbox"
    """sandbox or insecure."""
    devices: tuple[Device, ...] = ()


@dataclass(frozen=True, slots=True)
class CopyStep(Step):
    """COPY or ADD: brings files into the stage's root; they are a layer."""

    add: bool
    """ADD: URLs and git are fetched, local archives unpacked."""
    source: Source
    sources: tuple[str, ...]
    """Go's filepath.Match patterns below the source's root, without leading slash and never climbing out of it (`.` is
    the root); with ADD also URLs. With `parents` a `/./` may stand where the kept part begins."""
    files: tuple[InlineFile, ...]
    destination: str
    """Absolute; ends with `/` where a folder is meant."""
    owner: str = ""
    """`user[:group]`, names from the image's own files; empty for 0:0 (kept as they are with ADD of archives)."""
    mode: str = ""
    """Octal or symbolic; empty: as they are."""
    link: bool = False
    parents: bool = False
    exclude: tuple[str, ...] = ()
    checksum: str = ""
    keep_git_dir: bool = False
    unpack: bool | None = None
    """None: local archives yes, fetched ones no."""


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One stage that the target needs."""

    index: int
    """Its number in the Dockerfile."""
    name: str
    """Its alias, or `stage-N`."""
    base: Source
    base_config: ImageConfig
    location: Location
    """Of its FROM."""
    text: str
    """Its FROM, as written."""
    steps: tuple[Step, ...]
    """Triggers of the base image first."""
    needs: tuple[int, ...]
    """Numbers of the stages that have to be there before, by base, COPY --from or a mount."""
    author: str = ""
    """What MAINTAINER says; empty: what the base says."""

    @property
    def config(self) -> ImageConfig:
        """The configuration at its end."""
        return self.steps[-1].config if self.steps else self.base_config


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """The stages that a target needs, each after those it needs itself."""

    stages: tuple[PlannedStage, ...]
    target: int
    """Number of the stage that becomes the image."""
    platform: str
    """`os/architecture[/variant]` of the result."""
    epoch_s: int | None = None
    """SOURCE_DATE_EPOCH: the time of the image, and the latest of anything in its new layers."""

    @property
    def result(self) -> PlannedStage:
        """The stage that becomes the image."""
        return next(stage for stage in self.stages if stage.index == self.target)
