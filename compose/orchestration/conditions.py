"""Whether a container is as its dependents need it, and the words for when it never will be.

Judging is pure: a record in, a verdict out. Source of the texts: docker/compose, pkg/compose/convergence.go.
"""

from collections.abc import Sequence

from compose.errors import ComposeError, ExecutionError
from compose.orchestration.operation import Condition, WaitCondition
from runtime.api import RuntimeReader
from runtime.errors import EngineError, NotFound
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord
from schemas.engine.status import ContainerStatus, HealthStatus

LOG_LINES = 5
"""Last lines of output that an error quotes."""


@dataclass(frozen=True, slots=True)
class Satisfied:
    """The wait is over; `word` is what the user sees."""

    word: str


@dataclass(frozen=True, slots=True)
class Pending:
    """Not yet; `detail` says how it stands."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """It cannot come any more. `container` is the one to blame."""

    message: str
    container: ContainerRecord | None = None


Verdict = Satisfied | Pending | Broken


def judge(wait: WaitCondition, records: Sequence[ContainerRecord]) -> Verdict:
    """Return how a condition stands, given the records of the containers that exist."""
    found = {record.name for record in records}
    if missing := [name for name in wait.containers if name not in found]:
        return Broken(f"container {missing[0]} does not exist")
    verdicts = [_JUDGES[wait.condition](wait, record) for record in records]
    for verdict in verdicts:
        if isinstance(verdict, Broken):
            return verdict
    pending = [verdict for verdict in verdicts if isinstance(verdict, Pending)]
    if pending:
        return pending[0]
    return verdicts[0] if verdicts else Satisfied("Started")


def error_of(wait: WaitCondition, broken: Broken, reader: RuntimeReader) -> ComposeError:
    """Return the error for a wait that failed, with what the container said last."""
    prefix = "dependency failed to start: " if wait.condition is Condition.HEALTHY else ""
    context = last_words(broken.container, reader) if broken.container else ""
    return ExecutionError(prefix + broken.message, context=context)


def optional_note(wait: WaitCondition, broken: Broken) -> str:
    """Return the warning for a dependency that is not required."""
    if wait.condition is Condition.COMPLETED:
        return f"optional dependency {broken.message.removeprefix('service ')}"
    return f'optional dependency "{wait.service}" is not running or is unhealthy: {broken.message}'


def last_words(record: ContainerRecord, reader: RuntimeReader) -> str:
    """Return the last probe's answer, what ended it and the last lines of output, ready to print."""
    lines = []
    if record.probes:
        probe = record.probes[-1]
        ending = "timed out" if probe.exit_code < 0 else f"exit code {probe.exit_code}"
        lines.append(f"last health probe of {record.name} ({ending}): {probe.output.strip() or 'no output'}")
    if record.oom_killed:
        lines.append(f"{record.name}: the kernel killed a process of it for lack of memory")
    if record.error:
        lines.append(f"{record.name}: {record.error}")
    try:
        output = [line.data.decode(errors="replace") for line in reader.logs(record.id, tail=LOG_LINES)]
    except EngineError:
        output = []
    if output:
        lines.append(f"last output of {record.name}:")
        lines.extend(f"  {line.rstrip()}" for line in output)
    return "\n".join(lines)


def records_of(names: Sequence[str], reader: RuntimeReader) -> list[ContainerRecord]:
    """Read the records that there are."""
    records = []
    for name in names:
        try:
            records.append(reader.container(name))
        except NotFound:
            continue
    return records


def _healthy(_wait: WaitCondition, record: ContainerRecord) -> Verdict:
    if ended := _ended(record):
        return ended
    return _health(record) or Broken(f"container {record.name} has no healthcheck configured", record)


def _completed(wait: WaitCondition, record: ContainerRecord) -> Verdict:
    if record.status is ContainerStatus.CREATED:
        return _ended(record) or Pending()
    if record.status.is_live:
        return Pending()
    if record.exit_code == 0:
        return Satisfied("Exited")
    return Broken(f'service "{wait.service}" didn\'t complete successfully: exit {record.exit_code}', record)


def _settled(_wait: WaitCondition, record: ContainerRecord) -> Verdict:
    if record.status is ContainerStatus.EXITED and record.exit_code == 0 and record.spec.restart.name in _ENDS_WELL:
        return Satisfied("Exited")
    if ended := _ended(record):
        return ended
    if health := _health(record):
        return health
    return Pending("is restarting") if record.status is ContainerStatus.RESTARTING else Satisfied("Healthy")


def _started(_wait: WaitCondition, record: ContainerRecord) -> Verdict:
    return _ended(record) or Satisfied("Started")


def _ended(record: ContainerRecord) -> Broken | None:
    if record.status.is_live:
        return None
    if record.status is ContainerStatus.CREATED:
        return Broken(f"container {record.name} was not started", record)
    return Broken(f"container {record.name} exited ({record.exit_code})", record)


def _health(record: ContainerRecord) -> Verdict | None:
    match record.health:
        case HealthStatus.HEALTHY:
            return Satisfied("Healthy")
        case HealthStatus.UNHEALTHY:
            return Broken(f"container {record.name} is unhealthy", record)
        case HealthStatus.STARTING:
            failed = sum(1 for probe in record.probes if probe.exit_code != 0)
            return Pending(f"{failed} of {len(record.probes)} probes failed" if failed else "")
        case _:
            return None


_ENDS_WELL = ("no", "on-failure")
_JUDGES = {
    Condition.STARTED: _started,
    Condition.HEALTHY: _healthy,
    Condition.COMPLETED: _completed,
    Condition.SETTLED: _settled,
}
