"""Running plans: order, limits, failures, interruption, and what the user sees meanwhile."""

import threading
import time
from pathlib import Path

import pytest

from compose.errors import ErrorGroup, ExecutionError, ProjectError
from compose.events import Progress
from compose.orchestration.executor import Execution, Outcome, execute
from compose.orchestration.interruption import Interruption
from compose.orchestration.options import BuildWhen, ReconcileOptions, Recreate
from compose.orchestration.plan import Plan
from compose.orchestration.verbs.up import plan_up, up
from runtime.errors import Conflict, InvalidArgument, StartFailed
from schemas.composefile.project import Project
from schemas.engine.records import ContainerRecord, ProbeResult
from schemas.engine.status import ContainerStatus, HealthStatus
from tests.support.builders import needs, project, service
from tests.support.fake_runtime import FakeRuntime
from tests.support.recording import Recording

HEALTHCHECK = {"test": ("CMD", "true")}
CHAIN = project(
    service("db", healthcheck=HEALTHCHECK),
    service("web", depends_on=needs("db", condition="service_healthy")),
    service("mail"),
)
JOB = project(service("job"), service("web", depends_on=needs("job", condition="service_completed_successfully")))


def run(
    wanted: Project, runtime: FakeRuntime, events: Recording | None = None, parallel: int = 0, **options: object
) -> Outcome:
    """Plan `up` and execute it, failures in the outcome."""
    decided = plan_up(runtime, wanted, ReconcileOptions(**options))  # type: ignore[arg-type]
    return execute(decided.plan, runtime, wanted.name, Execution(events or Recording(), parallel))


def healthy_at_once(runtime: FakeRuntime) -> None:
    """Every container with a health check is healthy as soon as it runs."""

    def script(record: ContainerRecord) -> None:
        if record.health is HealthStatus.STARTING:
            runtime.becomes(record.id, HealthStatus.HEALTHY)

    runtime.script = script


def unhealthy_at_once(runtime: FakeRuntime) -> None:
    """The first probe decides, badly."""

    def script(record: ContainerRecord) -> None:
        if record.health is HealthStatus.STARTING:
            probe = ProbeResult(0, 1, 7, "no socket\n")
            runtime.change(record.id, "health_status", health=HealthStatus.UNHEALTHY, probes=(probe,))

    runtime.script = script


def test_events_must_have_docker_composes_words_and_order() -> None:
    """Creating, Created, Starting, Started, Waiting, Healthy."""
    runtime, events = FakeRuntime(), Recording()
    healthy_at_once(runtime)
    assert run(CHAIN, runtime, events).failures == []
    assert events.lines[:2] == ["Network shop_default  Creating", "Network shop_default  Created"]
    of_db = [line for line in events.lines if line.startswith("Container shop-db-1")]
    assert [line.split("  ")[1] for line in of_db] == [
        "Creating",
        "Created",
        "Starting",
        "Started",
        "Waiting",
        *(["Waiting"] if of_db.count("Container shop-db-1  Waiting") == 2 else []),
        "Healthy",
    ]
    assert events.lines.index("Container shop-db-1  Healthy") < events.lines.index("Container shop-web-1  Starting")
    assert "web waits for db to be healthy" in events.reasons("Waiting")


def test_a_recreation_must_be_one_event() -> None:
    """Five calls, two words."""
    runtime, events = FakeRuntime(), Recording()
    only = project(service("web"))
    run(only, runtime)
    run(only, runtime, events, recreate=Recreate.FORCE)
    assert [line.split("  ")[1] for line in events.lines] == ["Recreate", "Recreated", "Starting", "Started"]


def test_a_wait_must_end_by_an_event_and_not_before() -> None:
    """db becomes healthy a while after its start; web starts right then."""
    runtime = FakeRuntime()
    timer = threading.Timer(0.1, lambda: runtime.becomes("shop-db-1", HealthStatus.HEALTHY))
    runtime.script = lambda record: timer.start() if record.spec.service == "db" else None
    begun = time.monotonic()
    assert run(CHAIN, runtime).failures == []
    assert 0.1 <= time.monotonic() - begun < 1
    assert runtime.container("shop-web-1").status is ContainerStatus.RUNNING


def test_an_unhealthy_dependency_must_fail_with_what_it_said_last() -> None:
    """62, and 5 of the improvements: last probe, last output, who was not started."""
    runtime, events = FakeRuntime(), Recording()
    unhealthy_at_once(runtime)
    outcome = run(CHAIN, runtime, events)
    (failure,) = outcome.failures
    assert failure.message == "dependency failed to start: container shop-db-1 is unhealthy"
    assert failure.context.splitlines() == [
        "last health probe of shop-db-1 (exit code 7): no socket",
        "last output of shop-db-1:",
        "  last words of shop-db-1",
        "not started because of it: shop-web-1",
    ]
    assert runtime.container("shop-web-1").status is ContainerStatus.CREATED
    assert runtime.container("shop-mail-1").status is ContainerStatus.RUNNING
    assert "Container shop-web-1  Skipped" in events.lines


def test_a_container_that_cannot_be_created_must_not_be_named_as_its_own_victim() -> None:
    """Only what depends on it was not started because of it."""
    runtime, events = FakeRuntime(), Recording()
    runtime.failures["create_container shop-db-1"] = InvalidArgument("no such thing")
    (failure,) = run(CHAIN, runtime, events).failures
    assert "Container shop-db-1  Skipped" not in events.lines
    (error,) = (event for event in events.events if event.progress is Progress.ERROR)
    assert (error.resource, error.reason) == ("Container shop-db-1", "no such thing")
    assert failure.message == "Container shop-db-1: no such thing"
    assert "not started because of it: shop-web-1" in failure.context
    assert "shop-db-1" not in failure.context


@pytest.mark.parametrize(
    ("condition", "code", "message"),
    [
        ("service_healthy", 3, "dependency failed to start: container shop-job-1 exited (3)"),
        ("service_completed_successfully", 3, 'service "job" didn\'t complete successfully: exit 3'),
    ],
)
def test_a_dependency_that_ends_must_fail_in_docker_composes_words(condition: str, code: int, message: str) -> None:
    """62."""
    wanted = project(service("job"), service("web", depends_on=needs("job", condition=condition)))
    runtime = FakeRuntime()
    runtime.script = lambda record: runtime.ends(record.id, code)
    assert [failure.message for failure in run(wanted, runtime).failures] == [message]


def test_a_dependency_without_a_health_check_must_be_told_so() -> None:
    """62."""
    wanted = project(service("db"), service("web", depends_on=needs("db", condition="service_healthy")))
    (failure,) = run(wanted, FakeRuntime()).failures
    assert failure.message == "dependency failed to start: container shop-db-1 has no healthcheck configured"


def test_a_job_that_completes_must_let_its_dependents_start() -> None:
    """61."""
    runtime, events = FakeRuntime(), Recording()
    runtime.script = lambda record: runtime.ends(record.id, 0) if record.spec.service == "job" else None
    assert run(JOB, runtime, events).failures == []
    assert events.lines.index("Container shop-job-1  Exited") < events.lines.index("Container shop-web-1  Starting")


def test_an_optional_dependency_that_fails_must_be_a_warning() -> None:
    """63."""
    terms = needs("db", condition="service_healthy", required=False)
    wanted = project(service("db", healthcheck=HEALTHCHECK), service("web", depends_on=terms))
    runtime = FakeRuntime()
    unhealthy_at_once(runtime)
    outcome = run(wanted, runtime)
    assert outcome.failures == []
    assert outcome.warnings[0].message == (
        'optional dependency "db" is not running or is unhealthy: container shop-db-1 is unhealthy'
    )
    assert runtime.container("shop-web-1").status is ContainerStatus.RUNNING


def test_a_failing_call_must_take_its_dependents_along_and_nothing_else() -> None:
    """Independent services start; the error names the container and keeps the hint."""
    runtime = FakeRuntime()
    runtime.failures["start_container shop-db-1"] = StartFailed("exec: `nope`: not found", exit_code=127, hint="typo?")
    outcome = run(CHAIN, runtime)
    (failure,) = outcome.failures
    assert failure.message == "Container shop-db-1: exec: `nope`: not found"
    assert failure.hint == "typo?"
    assert {node.operation.resource for node in outcome.skipped} == {"service:db", "service:web:1"}
    assert runtime.container("shop-mail-1").status is ContainerStatus.RUNNING


def test_several_failures_must_all_be_told() -> None:
    """One run, every error."""
    wanted, runtime = project(service("a"), service("b")), FakeRuntime()
    for name in ("a", "b"):
        runtime.failures[f"start_container shop-{name}-1"] = Conflict(f"port of {name} is taken")
    with pytest.raises(ErrorGroup) as caught:
        up(runtime, wanted, ReconcileOptions(), Execution(Recording()))
    assert sorted(str(error) for error in caught.value.errors) == [
        "Container shop-a-1: port of a is taken",
        "Container shop-b-1: port of b is taken",
    ]


def test_what_failed_half_way_must_be_finished_by_the_next_run() -> None:
    """The plan is made from what is there."""
    runtime = FakeRuntime()
    runtime.failures["start_container shop-web-1"] = Conflict("port is taken")
    pair = project(service("db"), service("web", depends_on=needs("db")))
    assert len(run(pair, runtime).failures) == 1
    runtime.failures.clear()
    runtime.calls.clear()
    assert run(pair, runtime).failures == []
    assert runtime.calls == ["start_container shop-web-1"]


def test_the_limit_must_hold_for_calls() -> None:
    """--parallel 2."""
    runtime = FakeRuntime()
    runtime.delays["create_container"] = 0.01
    run(project(service("web", scale=8)), runtime, parallel=2)
    assert runtime.busiest == 2
    unlimited = FakeRuntime()
    unlimited.delays["create_container"] = 0.05
    run(project(service("web", scale=8)), unlimited)
    assert unlimited.busiest > 2


def test_waits_must_not_use_up_the_limit() -> None:
    """With one call at a time, other services go on while db is waited for."""
    runtime = FakeRuntime()
    started = threading.Event()

    def script(record: ContainerRecord) -> None:
        if record.spec.service == "mail":
            started.set()
            runtime.becomes("shop-db-1", HealthStatus.HEALTHY)

    runtime.script = script
    assert run(CHAIN, runtime, parallel=1).failures == []
    assert started.is_set()


def test_an_interruption_must_stop_new_starts_and_let_calls_finish() -> None:
    """Ctrl-C while db is waited for: web is never started."""
    runtime, interruption = FakeRuntime(), Interruption()
    decided = plan_up(runtime, CHAIN, ReconcileOptions())
    runtime.script = lambda record: interruption.set() if record.spec.service == "db" else None
    outcome = execute(decided.plan, runtime, "shop", Execution(Recording(), 1, interruption))
    assert outcome.interrupted
    assert outcome.failures == []
    assert runtime.container("shop-db-1").status is ContainerStatus.RUNNING
    assert runtime.container("shop-web-1").status is ContainerStatus.CREATED


def test_nothing_to_do_must_cost_no_thread_and_no_subscription() -> None:
    """The cheap path."""
    runtime, threads = FakeRuntime(), threading.active_count()
    assert execute(Plan(), runtime, "shop", Execution(Recording())) == Outcome()
    assert runtime.subscriptions == 0
    assert threading.active_count() == threads


def test_up_wait_must_count_a_completed_job_as_success_and_time_out_otherwise() -> None:
    """65, and improvement 2."""
    runtime = FakeRuntime()
    runtime.script = lambda record: runtime.ends(record.id, 0)
    assert run(project(service("job")), runtime, wait=True).failures == []
    slow = FakeRuntime()
    outcome = run(project(service("db", healthcheck=HEALTHCHECK)), slow, wait=True, wait_timeout_s=0.05)
    assert [failure.message for failure in outcome.failures] == ["application not healthy after 0.05s"]
    failed = FakeRuntime()
    failed.script = lambda record: failed.ends(record.id, 4)
    outcome = run(project(service("job")), failed, wait=True)
    assert [failure.message for failure in outcome.failures] == ["container shop-job-1 exited (4)"]


def test_a_failing_hook_must_fail_the_start() -> None:
    """130: a code other than 0."""
    wanted, runtime = project(service("web", post_start=[{"command": ("seed",)}])), FakeRuntime()
    runtime.hook_codes["seed"] = 5
    (failure,) = run(wanted, runtime).failures
    assert isinstance(failure, ExecutionError)
    assert failure.message == "post_start hook of container `shop-web-1` exited with status 5"


def test_missing_images_must_be_told_before_anything_is_made() -> None:
    """60: all or nothing, with the services that need them."""
    wanted = project(
        service("a", image="nope", pull_policy="never"),
        service("b", image="nope", pull_policy="never"),
        service("c", build={"context": "/src"}, image=""),
    )
    runtime = FakeRuntime()
    with pytest.raises(ErrorGroup) as caught:
        up(runtime, wanted, ReconcileOptions(build=BuildWhen.NEVER), Execution(Recording()))
    assert [error.message for error in caught.value.errors] == [
        "no such image: `nope`, needed by services `a`, `b`",
        "image `shop-c` of service `c` has not been built",
    ]
    assert caught.value.errors[1].hint == "without `--no-build` it would be"
    assert runtime.calls == []


def test_one_port_twice_must_be_told_before_anything_is_made() -> None:
    """Improvement 8."""
    port = [{"target": 80, "published": "8080"}]
    runtime = FakeRuntime()
    with pytest.raises(ProjectError, match="port 8080/tcp cannot be published twice: by `shop-a-1` and by `shop-b-1`"):
        up(
            runtime,
            project(service("a", ports=port), service("b", ports=port)),
            ReconcileOptions(),
            Execution(Recording()),
        )
    assert runtime.calls == []


def test_a_changed_secret_must_recreate(tmp_path: Path) -> None:
    """Improvement 11: the content counts, not the path alone."""
    source = tmp_path / "password"
    source.write_text("one")
    web = service("web", secrets=[{"source": "password"}])
    wanted = project(web, secrets={"password": {"file": str(source)}})
    runtime = FakeRuntime()
    run(wanted, runtime)
    source.write_text("two")
    first = str(plan_up(runtime, wanted, ReconcileOptions()).plan).splitlines()[0]
    assert first.endswith("CreateContainer, config changed: content of /run/secrets/password")
