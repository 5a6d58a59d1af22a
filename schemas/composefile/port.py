"""`services.<name>.ports`. Source: compose-spec, 05-services.md, ports."""

from schemas.composefile.base import Model


class PortConfig(Model):
    """A published port; a text is `[[address:]host:]container[/protocol]`, with ranges."""

    target: int = 0
    """Port in the container."""
    published: str = ""
    """Port on the host; one from a range `8000-8010`, or any free one unless set."""
    host_ip: str = ""
    """Address on the host; all unless set."""
    protocol: str = "tcp"
    """`tcp`, `udp` or `sctp`."""
    app_protocol: str = ""
    """What is spoken on the port, such as `http`; a hint for people and platforms."""
    mode: str = ""
    """`host`, or `ingress`; the same on one machine."""
    name: str = ""
    """A name for people."""

    @property
    def host_ports(self) -> tuple[int, int]:
        """First and last host port that will do; (0, 0) leaves the choice to the runtime."""
        first, _, last = self.published.partition("-")
        return (int(first), int(last or first)) if first else (0, 0)
