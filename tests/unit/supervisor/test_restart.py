"""Restart policies and their delays."""

import pytest

from runtime.supervisor.restart import Run, next_delay, remembered_delay
from schemas.engine.specs import RestartPolicy


@pytest.mark.parametrize(
    ("policy", "exit_code", "restarts", "again"),
    [
        (RestartPolicy("no"), 1, 0, False),
        (RestartPolicy("always"), 0, 1000, True),
        (RestartPolicy("unless-stopped"), 0, 0, True),
        (RestartPolicy("on-failure"), 0, 0, False),
        (RestartPolicy("on-failure"), 1, 1000, True),
        (RestartPolicy("on-failure", 3), 1, 2, True),
        (RestartPolicy("on-failure", 3), 1, 3, False),
    ],
)
def test_policy_must_decide(policy: RestartPolicy, exit_code: int, restarts: int, again: bool) -> None:
    """Docker's four policies, with and without a limit."""
    assert (next_delay(policy, Run(exit_code, 1.0, restarts)) is not None) is again


def test_delays_must_double_up_to_a_minute() -> None:
    """100 ms, doubled after each short run, 60 s at most."""
    delay = 0.0
    seen = []
    for restarts in range(12):
        delay = next_delay(RestartPolicy("always"), Run(1, 0.5, restarts, delay)) or 0.0
        seen.append(delay)
    assert seen[:4] == [0.1, 0.2, 0.4, 0.8]
    assert seen[-1] == 60.0
    assert seen == sorted(seen)


def test_long_run_must_reset_the_delay() -> None:
    """Ten seconds of running are a success."""
    assert next_delay(RestartPolicy("always"), Run(1, 10.0, 9, 51.2)) == 0.1
    assert next_delay(RestartPolicy("always"), Run(1, 9.9, 9, 51.2)) == 60.0


def test_delay_must_be_known_after_a_supervisors_death() -> None:
    """The number of restarts tells what the last delay was."""
    assert [remembered_delay(restarts) for restarts in (0, 1, 2, 5, 50)] == [0.0, 0.1, 0.2, 1.6, 60.0]
