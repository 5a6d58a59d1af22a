"""Building an image: what is asked for, what is told while it goes on, and what comes of it."""

from dataclasses import field
from enum import StrEnum

from schemas.dataclass import dataclass
from schemas.engine.records import ImageRecord
from schemas.engine.specs import Resources


@dataclass(frozen=True, slots=True)
class BuildSecret:
    """What `RUN --mount=type=secret` shows; read when the build begins."""

    id: str
    file: str = ""
    """Absolute path; empty: `value` counts."""
    value: str = ""


class CacheKind(StrEnum):
    """Where a cache is that builds on other machines share."""

    REGISTRY = "registry"
    LOCAL = "local"
    """A folder: an OCI layout (image-spec, image-layout.md)."""
    INLINE = "inline"
    """The built image itself."""


@dataclass(frozen=True, slots=True)
class CacheSource:
    """A cache to find steps in (`cache_from`)."""

    kind: CacheKind
    place: str
    """A reference, or the absolute path of a folder."""
    tag: str = "latest"
    """Of a folder: which of its caches; where `digest` is given that one."""
    digest: str = ""

    @property
    def name(self) -> str:
        """What it is called: two of one name are the same cache."""
        within = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"{self.place}{within}" if self.kind is CacheKind.LOCAL else self.place


@dataclass(frozen=True, slots=True)
class CacheTarget:
    """Where the steps of a build are written to (`cache_to`)."""

    kind: CacheKind
    place: str = ""
    """A reference, or the absolute path of a folder; empty for INLINE."""
    tag: str = "latest"
    """Of a folder: which of its caches it becomes."""
    is_complete: bool = False
    """`mode=max`: the layers of all steps, not only of those that the image consists of."""
    may_fail: bool = False
    """`ignore-error`: the build is done all the same when it cannot be written."""


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """An image to build. Sizes in bytes."""

    context: str
    """What is built from: the absolute path of a folder, an archive or a Dockerfile; the URL of an archive, a
    Dockerfile or a git repository; `-`: an archive or a Dockerfile on standard input."""
    dockerfile: str = "Dockerfile"
    """Absolute, or relative to the context; not for a context that is a Dockerfile itself."""
    dockerfile_inline: str = ""
    """The text itself; `dockerfile` does not count then."""
    references: tuple[str, ...] = ()
    """Names that will lead to the image."""
    target: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    contexts: dict[str, str] = field(default_factory=dict)
    """Additional ones by name: the absolute path of a folder, a URL likewise, `docker-image://REFERENCE`, or
    `oci-layout://PATH:TAG@DIGEST`."""
    secrets: tuple[BuildSecret, ...] = ()
    ssh: dict[str, str] = field(default_factory=dict)
    """Id to the socket of an agent."""
    cache_from: tuple[CacheSource, ...] = ()
    cache_to: tuple[CacheTarget, ...] = ()
    no_cache: bool = False
    no_cache_stages: tuple[str, ...] = ()
    pull: bool = False
    """Ask the registry for newer base images."""
    network: str = "default"
    """default, none or host."""
    extra_hosts: tuple[tuple[str, str], ...] = ()
    """(name, address)."""
    shm_size_bytes: int = 64 << 20
    ulimits: tuple[tuple[str, int, int], ...] = ()
    """(name, soft, hard), -1 for none."""
    resources: Resources = field(default_factory=Resources)
    platform: str = ""
    """`os/architecture[/variant]`; empty for this machine's."""
    allow_insecure: bool = False
    """`RUN --security=insecure` may be asked for."""
    allow_host_network: bool = False
    """`RUN --network=host` may be asked for; a build whose `network` is host needs no leave."""


class BuildStage(StrEnum):
    """What happens to a step."""

    STARTED = "started"
    OUTPUT = "output"
    CACHED = "cached"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class BuildEvent:
    """Something happened to a step of a build."""

    step: int
    """Counted from 1 within the build, in the order in which they began."""
    title: str
    """`[build 2/5] RUN make`, `exporting to image`."""
    stage: BuildStage
    text: str = ""
    """Of OUTPUT: one line or more, or a part of one; of FAILED: why."""
    elapsed_s: float = 0.0
    """Since the step began."""


@dataclass(frozen=True, slots=True)
class BuildWarning:
    """What a rule of `build --check` found."""

    rule: str
    message: str
    description: str
    url: str
    file: str
    line: int
    text: str = ""
    """The line."""


@dataclass(frozen=True, slots=True)
class BuildCheck:
    """What `build --check` says."""

    warnings: tuple[BuildWarning, ...] = ()
    fails: bool = False
    """`# check=error=true`, and there are warnings."""


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """What a build made."""

    image: ImageRecord
    is_new: bool
    """Whether it was not in the store before."""
