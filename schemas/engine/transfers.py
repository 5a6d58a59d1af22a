"""Images on their way from and to registries: how far they are, and what came of it."""

from enum import StrEnum

from schemas.dataclass import dataclass
from schemas.engine.records import ImageRecord


class TransferStage(StrEnum):
    """What happens to a layer, in Docker's words."""

    PULLING = "Pulling fs layer"
    WAITING = "Waiting"
    DOWNLOADING = "Downloading"
    RETRYING = "Retrying"
    EXTRACTING = "Extracting"
    PULLED = "Pull complete"
    EXISTS = "Already exists"
    PREPARING = "Preparing"
    PUSHING = "Pushing"
    PUSHED = "Pushed"
    PRESENT = "Layer already exists"
    MOUNTED = "Mounted from"
    WARNED = "Warning"
    """No stage of a layer: the registry has something to say to its users."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to the layer."""
        return self in _FINAL


_FINAL = frozenset(
    {TransferStage.PULLED, TransferStage.EXISTS, TransferStage.PUSHED, TransferStage.PRESENT, TransferStage.MOUNTED}
)


@dataclass(frozen=True, slots=True)
class TransferEvent:
    """A layer's stage, or its progress within one."""

    layer: str
    """The first digits of its digest; the registry's host, where that warns."""
    stage: TransferStage
    current_bytes: int = 0
    total_bytes: int = 0
    """Of the packed layer; 0 where no bytes are counted."""
    source: str = ""
    """Repository that a layer was mounted from; the registry's words, where it warns."""


@dataclass(frozen=True, slots=True)
class PulledImage:
    """What a pull brought."""

    image: ImageRecord
    digest: str
    """Of the manifest or index that the name led to."""
    is_new: bool
    """Whether the name leads to another image than before."""


@dataclass(frozen=True, slots=True)
class PushedImage:
    """What a push left in the registry."""

    digest: str
    size_bytes: int
    """Of the manifest."""
