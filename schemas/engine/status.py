"""What a container can be, and what may follow what.

Rule 1: a status changes only along TRANSITIONS. Whoever stores a status asks `can_become` first,
so that a late message (an exit seen twice, a probe of a container that is gone) cannot
resurrect or re-kill anything.

Rule 2: whether there is work with a container is asked of the status (`is_live`), not compared.

The names are Docker's.
"""

from enum import StrEnum


class ContainerStatus(StrEnum):
    """The life of a container, as `ps` shows it."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"

    @property
    def is_live(self) -> bool:
        """Whether the supervisor has work with it: a process, or one soon again."""
        return self in _LIVE

    def can_become(self, following: "ContainerStatus") -> bool:
        """Whether `following` may come directly after this status."""
        return following in TRANSITIONS[self]


class HealthStatus(StrEnum):
    """What the health probes say; NONE where there is no healthcheck."""

    NONE = ""
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


_C = ContainerStatus
_LIVE = frozenset({_C.RUNNING, _C.PAUSED, _C.RESTARTING})

TRANSITIONS: dict[ContainerStatus, frozenset[ContainerStatus]] = {
    _C.CREATED: frozenset({_C.RUNNING, _C.EXITED, _C.REMOVING, _C.DEAD}),
    _C.RUNNING: frozenset({_C.PAUSED, _C.RESTARTING, _C.EXITED, _C.DEAD}),
    _C.PAUSED: frozenset({_C.RUNNING, _C.EXITED, _C.RESTARTING, _C.DEAD}),
    _C.RESTARTING: frozenset({_C.RUNNING, _C.RESTARTING, _C.EXITED, _C.DEAD}),
    _C.EXITED: frozenset({_C.RUNNING, _C.EXITED, _C.REMOVING, _C.DEAD}),
    _C.REMOVING: frozenset({_C.DEAD}),
    _C.DEAD: frozenset({_C.REMOVING}),
}
