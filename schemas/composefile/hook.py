"""Lifecycle hooks: `post_start`, `pre_stop`, `pre_start`. Source: compose-spec, 05-services.md."""

from schemas.composefile.base import Model
from schemas.composefile.frozen import EMPTY, Frozen


class ServiceHook(Model):
    """A command that is run at a moment of a container's life."""

    command: tuple[str, ...] | None = None
    """What is run."""
    user: str = ""
    """The user that runs it; the container's unless set."""
    privileged: bool = False
    """Run it with all privileges."""
    working_dir: str = ""
    """The folder it runs in; the container's unless set."""
    environment: Frozen[str, str | None] = EMPTY
    """Further variables."""
    image: str = ""
    """The image of the container that runs it; the service's unless set."""
    per_replica: bool = False
    """Run it for each container of the service, not once."""
