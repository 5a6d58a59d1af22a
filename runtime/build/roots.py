"""What steps read and are done on, as the planner's sources are found on this machine."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from schemas.dataclass import dataclass
from schemas.engine.identifiers import DiffID
from schemas.engine.specs import Resources


@dataclass(frozen=True, slots=True)
class LayersRoot:
    """An image, or a stage that is done; no layers are `scratch`."""

    diff_ids: tuple[DiffID, ...] = ()
    """Lowest first. All are unpacked."""


@dataclass(frozen=True, slots=True)
class FolderRoot:
    """A build context: a folder of the host's."""

    path: Path
    ignore: tuple[str, ...] = ()
    """Patterns of its `.dockerignore`, `!` first where one takes back."""


Root = LayersRoot | FolderRoot


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the programs of a build find beside their root, the same for all steps."""

    network: str = "default"
    """Of steps that name none: default, none or host."""
    allow_insecure: bool = False
    """Whether `--security=insecure` may be asked for (the entitlement `security.insecure`)."""
    allow_host_network: bool = False
    """Whether a step may ask for `--network=host` (the entitlement `network.host`) where the build does not."""
    extra_hosts: tuple[tuple[str, str], ...] = ()
    """(name, address); `host-gateway` is the host."""
    shm_size_bytes: int = 64 << 20
    ulimits: tuple[tuple[str, int, int], ...] = ()
    """(name, soft, hard), -1 for none."""
    resources: Resources = field(default_factory=Resources)
    secrets: Mapping[str, bytes] = field(default_factory=dict)
    """By id."""
    ssh: Mapping[str, str] = field(default_factory=dict)
    """Paths of agents' sockets, by id."""
    clamp_s: int | None = None
    """SOURCE_DATE_EPOCH: no file of the image is later, in seconds since 1970."""
