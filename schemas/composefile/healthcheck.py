"""`services.<name>.healthcheck`. Source: compose-spec, 05-services.md, healthcheck."""

from schemas.composefile.base import Model


class Healthcheck(Model):
    """A probe run in the container. Times are seconds; None leaves the engine's default."""

    test: tuple[str, ...] = ()
    """("CMD", …), ("CMD-SHELL", text), ("NONE",), or () for the image's."""
    interval: float | None = None
    timeout: float | None = None
    start_period: float | None = None
    start_interval: float | None = None
    retries: int | None = None
    disable: bool = False
