"""`services.<name>.build`. Source: compose-spec, build.md."""

from schemas.composefile.base import Model
from schemas.composefile.file_object import FileReference
from schemas.composefile.frozen import EMPTY, Frozen


class Ulimit(Model):
    """A resource limit of processes; `single` stands for both others. -1 is unlimited."""

    single: int = 0
    soft: int = 0
    hard: int = 0

    @property
    def limits(self) -> tuple[int, int]:
        """Soft and hard limit."""
        return (self.single, self.single) if self.single else (self.soft, self.hard)


class BuildConfig(Model):
    """How an image is made from source. Sizes in bytes."""

    context: str = ""
    """Absolute path, or a URL."""
    dockerfile: str = ""
    dockerfile_inline: str = ""
    target: str = ""
    args: Frozen[str, str | None] = EMPTY
    tags: tuple[str, ...] = ()
    labels: Frozen[str, str] = EMPTY
    additional_contexts: Frozen[str, str] = EMPTY
    secrets: tuple[FileReference, ...] = ()
    ssh: Frozen[str, str] = EMPTY
    """Key to agent socket or key file; `default` may have the empty value."""
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    no_cache: bool = False
    no_cache_filter: tuple[str, ...] = ()
    pull: bool = False
    network: str = ""
    extra_hosts: Frozen[str, tuple[str, ...]] = EMPTY
    shm_size: int = 0
    ulimits: Frozen[str, Ulimit] = EMPTY
    platforms: tuple[str, ...] = ()
    privileged: bool = False
    entitlements: tuple[str, ...] = ()
    isolation: str = ""
    provenance: str = ""
    sbom: str = ""
