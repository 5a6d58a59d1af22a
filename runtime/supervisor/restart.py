"""Whether and when a container that ended starts again (moby:restartmanager, daemon/monitor.go).

Pure: times come in, a delay goes out.
"""

from typing import NamedTuple

from schemas.engine.specs import RestartPolicy

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 60.0
STABLE_AFTER_S = 10.0
"""A run this long starts the delays anew."""


class Run(NamedTuple):
    """A run of the process that has ended."""

    exit_code: int
    lasted_s: float
    restarts: int
    """How often the policy has started it again since a person did."""
    last_delay_s: float = 0.0
    """How long it had to wait for this run; 0 when a person started it."""


def next_delay(policy: RestartPolicy, run: Run) -> float | None:
    """Return the seconds to wait before the next run, None when there is none."""
    if policy.name == "no":
        return None
    if policy.name == "on-failure":
        exhausted = 0 < policy.max_attempts <= run.restarts
        if run.exit_code == 0 or exhausted:
            return None
    if run.lasted_s >= STABLE_AFTER_S or run.last_delay_s <= 0:
        return FIRST_DELAY_S
    return min(run.last_delay_s * 2, LONGEST_DELAY_S)


def remembered_delay(restarts: int) -> float:
    """Return what the last delay must have been, when only the number of restarts is known."""
    return min(FIRST_DELAY_S * 2.0 ** min(restarts - 1, 20), LONGEST_DELAY_S) if restarts > 0 else 0.0
