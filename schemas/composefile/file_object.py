"""Secrets and configs, and how a service refers to them. Source: compose-spec, 08-configs.md, 09-secrets.md."""

from schemas.composefile.base import Model
from schemas.composefile.frozen import EMPTY, Frozen


class FileObject(Model):
    """A top-level secret or config: content from one of `file`, `environment`, `content`, or a platform's store."""

    name: str = ""
    file: str = ""
    """Absolute path on the host."""
    environment: str = ""
    """Name of the variable that holds the content."""
    content: str | None = None
    """The content itself; also filled from `environment` when the variable is set."""
    external: bool = False
    labels: Frozen[str, str] = EMPTY
    driver: str = ""
    driver_opts: Frozen[str, str] = EMPTY
    template_driver: str = ""


class FileReference(Model):
    """A secret or config mounted into a service or given to its build."""

    source: str = ""
    """Key in the project's `secrets` or `configs`."""
    target: str = ""
    """Path in the container; empty: /run/secrets/<source>, /<source>."""
    uid: str = ""
    gid: str = ""
    mode: int | None = None
    """Permission bits; None is 0444."""
