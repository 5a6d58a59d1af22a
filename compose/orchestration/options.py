"""What the user asked for, as far as decisions depend on it."""

from enum import StrEnum

from schemas.dataclass import dataclass


class Recreate(StrEnum):
    """When an existing container is replaced."""

    DIVERGED = "diverged"
    FORCE = "force"
    NEVER = "never"


class BuildWhen(StrEnum):
    """Which images `up` builds before it decides anything else."""

    MISSING = "missing"
    """Those that are not there, and those whose `pull_policy` is `build`."""
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class ReconcileOptions:
    """Options of `up`, `create`, `scale` and of the dependencies of `run`."""

    services: tuple[str, ...] = ()
    """Only these and what they need; empty: all."""
    without: tuple[str, ...] = ()
    """Not these, but for their networks and volumes: `run` makes another container of them."""
    with_dependencies: bool = True
    """False is `--no-deps`: only the named ones are touched."""
    recreate: Recreate = Recreate.DIVERGED
    recreate_dependencies: Recreate = Recreate.DIVERGED
    """For services that were not named; FORCE is `--always-recreate-deps`."""
    build: BuildWhen = BuildWhen.MISSING
    quiet_build: bool = False
    renew_anonymous_volumes: bool = False
    recreate_volumes: frozenset[str] = frozenset()
    """Real names of changed volumes that may be made anew, with the loss of what is in them."""
    remove_orphans: bool = False
    ignore_orphans: bool = False
    pull: bool = True
    """Whether images are pulled first, as each service's `pull_policy` says."""
    quiet_pull: bool = False
    """Nothing is told of the layers of an image that is pulled."""
    start: bool = True
    wait: bool = False
    """`--wait`: until every service runs, is healthy, or has ended well."""
    wait_timeout_s: float | None = None
    timeout_s: float | None = None
    """For stopping; None: each container's own grace period."""
