"""Requests for base images that are made from packages."""

from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class BootstrapSpec:
    """A base image of Debian or Ubuntu to be made."""

    base: str
    """`debian:bookworm-slim`: what it is made as."""
    references: tuple[str, ...] = ()
    """Names to give it; none: `base`."""
    mirror: str = ""
    """URL; empty: the machine's own."""
    variant: str = "minbase"
    packages: tuple[str, ...] = ()
    """In addition to those of the variant."""
    platform: str = ""
    """Empty: this machine's."""
    refresh: bool = False
    """Whether to ask the mirror for newer packages when the image is there already."""
