"""`services.<name>.develop`. Source: compose-spec, develop.md."""

from schemas.composefile.base import Model
from schemas.composefile.hook import ServiceHook


class WatchRule(Model):
    """What to do when files under a path change."""

    path: str
    """Absolute path on the host."""
    action: str
    """rebuild, sync, restart, sync+restart or sync+exec."""
    target: str = ""
    ignore: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exec: ServiceHook = ServiceHook.model_construct()
    """sync+exec: run in the container after a sync."""
    initial_sync: bool = False


class DevelopConfig(Model):
    """Rules of `watch`."""

    watch: tuple[WatchRule, ...] = ()
