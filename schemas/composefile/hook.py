"""Lifecycle hooks: `post_start`, `pre_stop`, `pre_start`. Source: compose-spec, 05-services.md."""

from schemas.composefile.base import Model
from schemas.composefile.frozen import EMPTY, Frozen


class ServiceHook(Model):
    """A command run in (post_start, pre_stop) or beside (pre_start) a service's container."""

    command: tuple[str, ...] | None = None
    user: str = ""
    privileged: bool = False
    working_dir: str = ""
    environment: Frozen[str, str | None] = EMPTY
    image: str = ""
    """pre_start: the image of the ephemeral container; the service's unless set."""
    per_replica: bool = False
    """pre_start: run it for each replica."""
