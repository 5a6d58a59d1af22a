"""`services.<name>.build`. Source: compose-spec, build.md."""

from schemas.composefile.base import Model
from schemas.composefile.file_object import FileReference
from schemas.composefile.frozen import EMPTY, Frozen


class Ulimit(Model):
    """A resource limit of processes; one number stands for both."""

    single: int = 0
    soft: int = 0
    """What processes get; they can raise it to the hard limit. -1 is unlimited."""
    hard: int = 0
    """What processes cannot go beyond. -1 is unlimited."""

    @property
    def limits(self) -> tuple[int, int]:
        """Soft and hard limit."""
        return (self.single, self.single) if self.single else (self.soft, self.hard)


class BuildConfig(Model):
    """How the image is made from source; a text is the context alone."""

    context: str = ""
    """What is built from: a folder, relative to the project's, or the URL of a git repository or archive."""
    dockerfile: str = ""
    """The Dockerfile, relative to the context; `Dockerfile` unless set."""
    dockerfile_inline: str = ""
    """The text of the Dockerfile itself, in the stead of `dockerfile`."""
    target: str = ""
    """The stage to build; the last one unless set."""
    args: Frozen[str, str | None] = EMPTY
    """Values of the Dockerfile's `ARG`s; one without a value takes the variable of that name."""
    tags: tuple[str, ...] = ()
    """Further names of the image, beside `image`."""
    labels: Frozen[str, str] = EMPTY
    """Labels of the image."""
    additional_contexts: Frozen[str, str] = EMPTY
    """Further contexts by name, for `FROM` and `COPY --from`: a folder, a URL, `docker-image://…`, `service:…`."""
    secrets: tuple[FileReference, ...] = ()
    """Secrets that `RUN --mount=type=secret` may read."""
    ssh: Frozen[str, str] = EMPTY
    """Agents or keys for `RUN --mount=type=ssh`: `default`, or an id with the path of a socket or key."""
    cache_from: tuple[str, ...] = ()
    """Where layers that were built before may be found."""
    cache_to: tuple[str, ...] = ()
    """Where built layers are kept for later builds."""
    no_cache: bool = False
    """Use no layer that was built before."""
    no_cache_filter: tuple[str, ...] = ()
    """Stages for which no layer that was built before is used."""
    pull: bool = False
    """Ask the registry for newer base images even where they are here."""
    network: str = ""
    """The network of `RUN` steps: `default`, `host`, `none`, or a network's name."""
    extra_hosts: Frozen[str, tuple[str, ...]] = EMPTY
    """Host names and addresses for `RUN` steps."""
    shm_size: int = 0
    """Size of /dev/shm in `RUN` steps: bytes, or with a unit such as `256m`."""
    ulimits: Frozen[str, Ulimit] = EMPTY
    """Resource limits of processes in `RUN` steps."""
    platforms: tuple[str, ...] = ()
    """Platforms to build for, such as `linux/arm64`."""
    privileged: bool = False
    """Build with all privileges."""
    entitlements: tuple[str, ...] = ()
    """Further privileges that the build may ask for: `network.host`, `security.insecure`."""
    isolation: str = ""
    """Isolation technology (Windows)."""
    provenance: str = ""
    """Attest how the image was made: a flag, or the attestation's parameters."""
    sbom: str = ""
    """Attest what the image holds: a flag, or the generator's parameters."""
