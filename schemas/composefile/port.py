"""`services.<name>.ports`. Source: compose-spec, 05-services.md, ports."""

from schemas.composefile.base import Model


class PortConfig(Model):
    """One published container port (ranges of the short form are one entry a port)."""

    target: int = 0
    """Container port."""
    published: str = ""
    """Host port, a range `8000-8010` to choose from, or empty: any free port."""
    host_ip: str = ""
    protocol: str = "tcp"
    app_protocol: str = ""
    mode: str = ""
    name: str = ""

    @property
    def host_ports(self) -> tuple[int, int]:
        """First and last host port that will do; (0, 0) leaves the choice to the runtime."""
        first, _, last = self.published.partition("-")
        return (int(first), int(last or first)) if first else (0, 0)
