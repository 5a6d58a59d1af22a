"""Answers of the runtime about what images are made of, and what takes how much space."""

from collections.abc import Mapping

from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord, ImageRecord, VolumeRecord


@dataclass(frozen=True, slots=True)
class ImageDetails:
    """An image with its documents."""

    record: ImageRecord
    document: Mapping[str, object]
    """Its configuration (OCI image-spec, config.md), as it is in the store."""
    digests: tuple[str, ...] = ()
    """`name@sha256:…` of registries that it was pulled from or pushed to."""
    layer_bytes: tuple[int, ...] = ()
    """Of each layer's files, lowest first."""
    lower: tuple[str, ...] = ()
    """Folders of the layers, topmost first."""
    tagged_ns: int = 0
    """When it last got a name; 0 where nobody knows."""


@dataclass(frozen=True, slots=True)
class PrunedImages:
    """What a pruning removed."""

    lines: tuple[str, ...]
    """`Untagged: …`, `Deleted: …`."""
    reclaimed_bytes: int


@dataclass(frozen=True, slots=True)
class ImageUsage:
    """What an image takes."""

    record: ImageRecord
    shared_bytes: int
    """Of layers that another image has too."""
    containers: int


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """What a container wrote."""

    record: ContainerRecord
    size_bytes: int


@dataclass(frozen=True, slots=True)
class VolumeUsage:
    """What a volume holds."""

    record: VolumeRecord
    size_bytes: int
    links: int
    """Containers that mount it."""


@dataclass(frozen=True, slots=True)
class CachePruning:
    """What is to be removed of what builds keep."""

    unused_for_ns: int = 0
    """Only what was of no use for so long."""
    with_images: bool = False
    """Steps too whose layers an image has: nothing is gained but that they are done again."""
    keep_bytes: int = 0
    """Stop when no more than that is left; 0: remove all that is wanted."""


@dataclass(frozen=True, slots=True)
class PrunedCache:
    """What of the build cache was removed."""

    keys: tuple[str, ...]
    reclaimed_bytes: int


@dataclass(frozen=True, slots=True)
class StepUsage:
    """A layer that the build cache holds, or the folder of a cache mount."""

    key: str
    size_bytes: int
    used_ns: int
    is_shared: bool
    """An image has it too: it takes nothing more."""
    is_mount: bool = False
    """The folder of `RUN --mount=type=cache`."""


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """What takes space in the state directory."""

    images: tuple[ImageUsage, ...]
    layers_bytes: int
    """Of all images' layers, each counted once."""
    containers: tuple[ContainerUsage, ...]
    volumes: tuple[VolumeUsage, ...]
    steps: tuple[StepUsage, ...]
