"""`services.<name>.healthcheck`. Source: compose-spec, 05-services.md, healthcheck."""

from schemas.composefile.base import Model


class Healthcheck(Model):
    """How it is found out whether containers are healthy; what is open is the image's."""

    test: tuple[str, ...] = ()
    """The probe: a text for the shell, `["CMD", …]`, `["CMD-SHELL", …]`, or `["NONE"]`. With 0 it is healthy."""
    interval: float | None = None
    """Time between probes, such as `30s`."""
    timeout: float | None = None
    """How long a probe may take."""
    start_period: float | None = None
    """Time after the start in which failures do not count."""
    start_interval: float | None = None
    """Time between probes during the start period."""
    retries: int | None = None
    """How many failures in a row make a container unhealthy."""
    disable: bool = False
    """Probe nothing, not even what the image asks for."""
