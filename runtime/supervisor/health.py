"""The health of a container: what a probe's result changes, and when the next probe is due.

Docker's rules (moby:daemon/health.go) decide what counts: its first probe comes one interval after the
start, one interval lies between the end of one and the start of the next, `retries` failures in a row make
`unhealthy`, failures within the start period do not count. Between those regular probes we run early ones
until the first success, at once after the start and then ever more slowly: their success counts, their
failure does not. So a service is healthy as soon as it is, and unhealthy exactly when Docker says so.

Pure: times come in, decisions go out.
"""

from dataclasses import field

from schemas.dataclass import dataclass
from schemas.engine.records import ProbeResult
from schemas.engine.specs import Healthcheck
from schemas.engine.status import HealthStatus

KEPT_RESULTS = 5
KEPT_OUTPUT_BYTES = 4096
FIRST_RETRY_S = 0.1
DEFAULT_INTERVAL_S = 30.0
DEFAULT_START_INTERVAL_S = 5.0
DEFAULT_RETRIES = 3


@dataclass(slots=True)
class Health:
    """What is known of one run of a container. Times are seconds on one clock of the caller's."""

    check: Healthcheck
    started: float
    status: HealthStatus = HealthStatus.STARTING
    streak: int = 0
    """Failures in a row that count."""
    results: list[ProbeResult] = field(default_factory=list)
    _regular_due: float = 0.0
    _retry_s: float = FIRST_RETRY_S
    _next: float = 0.0

    def __post_init__(self) -> None:
        self._regular_due = self.started + self._interval(self.started)
        early = self.status is HealthStatus.STARTING
        self._next = self.started if early else self._regular_due

    @property
    def next_probe(self) -> float:
        """When the next probe is due."""
        return self._next

    def resume(self, now: float) -> None:
        """Go on after a pause: an interval has to pass again."""
        self._regular_due = now + self._interval(now)
        self._next = self._regular_due

    def take(self, result: ProbeResult, began: float, ended: float) -> bool:
        """Take a result up; return whether the status changed."""
        self.results = [*self.results, result][-KEPT_RESULTS:]
        before = self.status
        regular = began >= self._regular_due
        if result.exit_code == 0:
            self.streak = 0
            self.status = HealthStatus.HEALTHY
        elif regular and not self._is_in_grace(began):
            self.streak += 1
            if self.streak >= (self.check.retries or DEFAULT_RETRIES):
                self.status = HealthStatus.UNHEALTHY
        if regular:
            self._regular_due = ended + self._interval(ended)
        self._schedule(ended)
        return self.status is not before

    def _schedule(self, now: float) -> None:
        self._next = max(now, self._regular_due)
        if self.status is HealthStatus.STARTING:
            self._next = min(self._next, now + self._retry_s)
            self._retry_s = min(self._retry_s * 2, self._interval(now))

    def _is_in_grace(self, began: float) -> bool:
        return self.status is HealthStatus.STARTING and began - self.started < self.check.start_period_s

    def _interval(self, now: float) -> float:
        if self._is_in_grace(now):
            return self.check.start_interval_s or DEFAULT_START_INTERVAL_S
        return self.check.interval_s or DEFAULT_INTERVAL_S


def command(check: Healthcheck | None) -> tuple[str, ...]:
    """Return the probe's argument vector, empty when there is none."""
    if check is None or not check.test or check.test[0] == "NONE":
        return ()
    if check.test[0] == "CMD-SHELL":
        return ("/bin/sh", "-c", *check.test[1:2])
    return check.test[1:] if check.test[0] == "CMD" else check.test
