"""What a command is doing, as it does it: the channel from executor to renderer.

Not to be confused with schemas.engine.events.EngineEvent, which is what happened to a container.
"""

from enum import StrEnum
from typing import Protocol

from schemas.dataclass import dataclass
from schemas.engine.builds import BuildEvent


class Progress(StrEnum):
    """How far one resource has come."""

    WORKING = "working"
    WAITING = "waiting"
    DONE = "done"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """A resource's state changed, or its reason did.

    `resource` is docker compose's line label (`Container shop-web-1`, `Network shop_default`),
    `text` its word (Creating, Created, Starting, Started, Waiting, Healthy, …), `reason` why it
    is in that state ("waits for db to be healthy (2 of 3 probes failed)").
    """

    resource: str
    progress: Progress
    text: str
    reason: str = ""
    time_s: float = 0.0
    """Monotonic clock, seconds."""
    is_image: bool = False
    """An image on its way, `resource` is the service it is for, or a layer of it."""
    parent: str = ""
    """The service, where `resource` is a layer."""
    current_bytes: int = 0
    total_bytes: int = 0
    """How far a layer is; 0 where no bytes are counted."""


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """Something happened to a step of the build of a service's image."""

    service: str
    event: BuildEvent
    time_s: float = 0.0
    """Monotonic clock, seconds."""

    @property
    def title(self) -> str:
        """The step as BuildKit names it among those of several builds: `[web 2/5] RUN make`."""
        title = self.event.title
        return f"[{self.service} {title[1:]}" if title.startswith("[") else f"[{self.service}] {title}"


class EventProcessor(Protocol):
    """A renderer of progress."""

    def start(self, title: str) -> None:
        """Begin: `title` is the command's word, such as Running."""

    def on(self, event: ProgressEvent | BuildProgress) -> None:
        """Show one event. Called from any thread."""

    def done(self, *, success: bool) -> None:
        """End: nothing more comes."""
