"""`services.<name>.develop`. Source: compose-spec, develop.md."""

from schemas.composefile.base import Model
from schemas.composefile.hook import ServiceHook


class WatchRule(Model):
    """What to do when files change."""

    path: str
    """The file or folder to watch, relative to the project's folder."""
    action: str
    """What a change leads to."""
    target: str = ""
    """Path in the container to which files are synchronised."""
    ignore: tuple[str, ...] = ()
    """Patterns of files whose changes do not count, relative to `path`."""
    include: tuple[str, ...] = ()
    """Patterns of the files whose changes count, relative to `path`; all unless set."""
    exec: ServiceHook = ServiceHook.model_construct()
    """What `sync+exec` runs in the container."""
    initial_sync: bool = False
    """Synchronise all files when the watch begins."""


class DevelopConfig(Model):
    """How containers follow changes of the source."""

    watch: tuple[WatchRule, ...] = ()
    """Files to watch, and what their changes lead to."""
