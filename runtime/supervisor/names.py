"""Names of containers, answered at 127.0.0.11 inside each sandbox."""

from runtime.supervisor.custody import Custody
from runtime.supervisor.loop import Loop
from schemas.engine.records import ContainerRecord


class Names:
    """The project's DNS."""

    def __init__(self, custody: Custody, loop: Loop) -> None:
        self._custody = custody
        self._loop = loop

    def serve(self, container: ContainerRecord) -> None:
        """Make a running container known, and answer its questions."""

    def cease(self, container_id: str) -> None:
        """Make a container unknown."""
