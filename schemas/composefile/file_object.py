"""Secrets and configs, and how a service refers to them. Source: compose-spec, 08-configs.md, 09-secrets.md."""

from schemas.composefile.base import Model
from schemas.composefile.frozen import EMPTY, Frozen


class FileObject(Model):
    """A file for containers: from a file, a variable, a text, or a platform's store."""

    name: str = ""
    """The name in the platform's store."""
    file: str = ""
    """Path of the file with the content, relative to the project's folder."""
    environment: str = ""
    """Name of the variable that holds the content."""
    # A secret has no `content` in the file; here it is also filled from `environment`.
    content: str | None = None
    """The content itself."""
    external: bool = False
    """It is in the platform's store, and not made by the project."""
    labels: Frozen[str, str] = EMPTY
    """Labels in the platform's store."""
    driver: str = ""
    """The driver of the platform's store."""
    driver_opts: Frozen[str, str] = EMPTY
    """Options of the store's driver."""
    template_driver: str = ""
    """The driver that fills in the content as a template."""


class FileReference(Model):
    """A secret or config that containers or builds get; a text is its name."""

    source: str = ""
    """Its name in the project's `secrets` or `configs`."""
    target: str = ""
    """Path in the container: `/run/secrets/<name>` or `/<name>` unless set."""
    uid: str = ""
    """Number of the user that owns the file."""
    gid: str = ""
    """Number of the group that owns the file."""
    mode: int | None = None
    """Permission bits, octal; 0444 unless set."""
