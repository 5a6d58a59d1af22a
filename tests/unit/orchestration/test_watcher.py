"""Waiting by events: nothing missed, nothing left waiting."""

from collections.abc import Callable
from queue import SimpleQueue

from compose.orchestration.conditions import Broken, Satisfied
from compose.orchestration.executor import Execution, execute
from compose.orchestration.operation import Condition, WaitCondition
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.verbs.up import plan_up
from compose.orchestration.watcher import Answer, ConditionWatcher
from runtime.errors import Unavailable
from schemas.composefile.healthcheck import Healthcheck
from schemas.engine.records import ContainerRecord, ProbeResult
from schemas.engine.status import HealthStatus
from tests.support.builders import project, service
from tests.support.fake_runtime import FakeRuntime, FakeStream
from tests.support.recording import Recording

DB = project(service("db", healthcheck=Healthcheck(test=("CMD", "true"))))


def starting() -> FakeRuntime:
    """A runtime with db up and its health unknown yet."""
    runtime = FakeRuntime()
    execute(plan_up(runtime, DB, ReconcileOptions()).plan, runtime, "shop", Execution(Recording())).raise_failures()
    return runtime


def wait_for(name: str = "shop-db-1", timeout_s: float | None = None) -> WaitCondition:
    """A wait for db's health."""
    return WaitCondition("service:db", "db", (name,), Condition.HEALTHY, "web waits for db", timeout_s=timeout_s)


class Deaf(FakeRuntime):
    """Its events get lost, as when a supervisor dies between two of them."""

    streams: list[FakeStream]

    def subscribe(self, project: str) -> FakeStream:
        stream = super().subscribe(project)
        self._forget(stream)
        stream.on_close = lambda _stream: None
        self.streams = [stream]
        return stream


def watched(runtime: FakeRuntime, operation: WaitCondition, meanwhile: Callable[[], None]) -> tuple[Answer, list[str]]:
    """The answer to a wait, and what was told until then."""
    answers: SimpleQueue[Answer] = SimpleQueue()
    told: SimpleQueue[str] = SimpleQueue()
    watcher = ConditionWatcher(runtime, "shop")
    try:
        watcher.wait(operation, answers.put, told.put)
        heard = [told.get(timeout=5)] if operation.containers == ("shop-db-1",) else []
        meanwhile()
        answer = answers.get(timeout=5)
        return answer, heard + [told.get_nowait() for _ in range(told.qsize())]
    finally:
        watcher.close()


def test_the_reason_must_follow_the_probes() -> None:
    """The user sees how it stands."""
    runtime = starting()
    failed, passed = ProbeResult(0, 1, 1, ""), ProbeResult(0, 1, 0, "")

    def probes() -> None:
        runtime.change("shop-db-1", "probe", probes=(failed,))
        runtime.change("shop-db-1", "probe", probes=(failed, failed, passed))
        runtime.becomes("shop-db-1", HealthStatus.HEALTHY)

    answer, told = watched(runtime, wait_for(), probes)
    assert answer == Satisfied("Healthy")
    assert told[0] == "web waits for db"
    assert set(told[1:]) <= {"web waits for db (1 of 1 probes failed)", "web waits for db (2 of 3 probes failed)"}


def test_an_event_that_got_lost_with_its_supervisor_must_not_be_waited_for() -> None:
    """The stream is readable and has nothing: it has been connected anew, so everything is looked at again."""
    runtime = Deaf()
    runtime.script = lambda record: runtime.change(record.id, "start", health=HealthStatus.STARTING)
    execute(plan_up(runtime, DB, ReconcileOptions()).plan, runtime, "shop", Execution(Recording())).raise_failures()

    def lost() -> None:
        runtime.becomes("shop-db-1", HealthStatus.HEALTHY)
        runtime.streams[0].reconnected()

    answer, _ = watched(runtime, wait_for(), lost)
    assert answer == Satisfied("Healthy")


def test_a_wait_must_time_out() -> None:
    """`--wait-timeout`."""
    answer, _ = watched(starting(), wait_for(timeout_s=0.02), lambda: None)
    assert answer == Broken("application not healthy after 0.02s")


def test_a_container_that_is_gone_must_end_the_wait() -> None:
    """Somebody removed it meanwhile."""
    runtime = starting()
    answer, _ = watched(runtime, wait_for(), lambda: runtime.remove_container("shop-db-1", force=True))
    assert answer == Broken("container shop-db-1 does not exist")


def test_no_supervisor_must_be_an_error_for_all_who_wait() -> None:
    """Nobody waits for ever."""

    class Lonely(FakeRuntime):
        def subscribe(self, project: str) -> FakeStream:
            raise Unavailable(f"no supervisor of `{project}`")

    answer, _ = watched(Lonely(), wait_for("shop-web-1"), lambda: None)
    assert isinstance(answer, Unavailable)


def test_a_defect_must_not_leave_anybody_waiting() -> None:
    """Whatever goes wrong on the watcher's thread reaches who waits."""

    class Broke(FakeRuntime):
        def container(self, reference: str) -> ContainerRecord:
            raise ZeroDivisionError(reference)

    answer, _ = watched(Broke(), wait_for("shop-web-1"), lambda: None)
    assert isinstance(answer, ZeroDivisionError)
