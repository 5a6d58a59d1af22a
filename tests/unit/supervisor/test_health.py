"""What counts as healthy and unhealthy, and when probes are due."""

from runtime.supervisor.health import Health, command
from schemas.engine.records import ProbeResult
from schemas.engine.specs import Healthcheck
from schemas.engine.status import HealthStatus

TEST = ("CMD", "probe")


def run(check: Healthcheck, succeeds_after: float, until: float, took: float = 0.0) -> list[tuple[float, str]]:
    """Probe a service that is ready after some seconds; return (time, status) of each probe."""
    health = Health(check, started=0.0)
    seen: list[tuple[float, str]] = []
    now = health.next_probe
    while now <= until:
        code = 0 if now >= succeeds_after else 1
        health.take(ProbeResult(0, 0, code, ""), began=now, ended=now + took)
        seen.append((round(now, 3), health.status.value))
        now = health.next_probe
    return seen


def test_first_probe_must_run_at_once() -> None:
    """A service that is ready is healthy without waiting for an interval."""
    assert run(Healthcheck(TEST), 0.0, 31.0) == [(0.0, "healthy"), (30.0, "healthy")]


def test_early_probes_must_slow_down() -> None:
    """Until the first success: 100 ms, then twice as long each time."""
    times = [time for time, _ in run(Healthcheck(TEST), 100.0, 4.0)]
    assert times == [0.0, 0.1, 0.3, 0.7, 1.5, 3.1]


def test_early_failures_must_not_count() -> None:
    """Unhealthy exactly when Docker says so: after `retries` intervals."""
    seen = run(Healthcheck(TEST, interval_s=10, retries=3), 100.0, 60.0)
    assert next(time for time, status in seen if status == "unhealthy") == 30.0
    assert next(time for time, status in seen if status == "starting" and time >= 10.0) == 10.0


def test_duration_of_probes_must_lie_between_intervals() -> None:
    """An interval lasts from the end of a probe to the start of the next."""
    seen = run(Healthcheck(TEST, interval_s=10, retries=2), 0.0, 40.0, took=3.0)
    assert [time for time, _ in seen] == [0.0, 10.0, 23.0, 36.0]


def test_failures_in_the_start_period_must_not_count() -> None:
    """A slow starter has its start period, probed every start interval; success ends it."""
    check = Healthcheck(TEST, interval_s=10, start_period_s=25, start_interval_s=5, retries=1)
    seen = run(check, 100.0, 60.0)
    assert next(time for time, status in seen if status == "unhealthy") == 25.0
    assert run(check, 3.0, 20.0)[-2][1] == "healthy"


def test_success_must_clear_the_failures() -> None:
    """Only failures in a row make it unhealthy; one success makes it healthy again."""
    health = Health(Healthcheck(TEST, interval_s=1, retries=2), started=0.0)
    statuses = []
    for number, code in enumerate([0, 1, 0, 1, 1, 1, 0], start=1):
        health.take(ProbeResult(0, 0, code, ""), began=number * 10.0, ended=number * 10.0)
        statuses.append(health.status.value)
    assert statuses == ["healthy", "healthy", "healthy", "healthy", "unhealthy", "unhealthy", "healthy"]


def test_five_results_must_be_kept() -> None:
    """The oldest give way."""
    health = Health(Healthcheck(TEST, interval_s=1), started=0.0)
    for number in range(8):
        health.take(ProbeResult(number, 0, 0, ""), began=number * 10.0, ended=number * 10.0)
    assert [result.started_ns for result in health.results] == [3, 4, 5, 6, 7]


def test_adopted_service_must_not_be_probed_at_once() -> None:
    """After a pause or another supervisor's death an interval passes first."""
    health = Health(Healthcheck(TEST, interval_s=7), started=0.0, status=HealthStatus.HEALTHY)
    health.resume(100.0)
    assert health.next_probe == 107.0


def test_forms_of_the_test_must_be_understood() -> None:
    """CMD is an argument vector, CMD-SHELL goes through /bin/sh, NONE is none."""
    assert command(Healthcheck(("CMD", "a", "b"))) == ("a", "b")
    assert command(Healthcheck(("CMD-SHELL", "a | b"))) == ("/bin/sh", "-c", "a | b")
    assert command(Healthcheck(("NONE",))) == ()
    assert command(None) == ()
