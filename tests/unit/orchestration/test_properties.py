"""What must hold for every project."""

from hypothesis import given, settings
from hypothesis import strategies as st

from compose.orchestration.executor import Execution, execute
from compose.orchestration.options import ReconcileOptions, Recreate
from compose.orchestration.verbs.down import DownOptions, down
from compose.orchestration.verbs.up import plan_up
from schemas.composefile.project import Project
from tests.support.builders import needs, project, service
from tests.support.fake_runtime import FakeRuntime
from tests.support.recording import Recording

NAMES = ("a", "b", "c", "d", "e")


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """Up to five services, each needing some of those before it in one way or another."""
    services = []
    for position, name in enumerate(NAMES[: draw(st.integers(1, len(NAMES)))]):
        before = draw(st.lists(st.sampled_from(NAMES[:position]), unique=True)) if position else []
        attributes: dict[str, object] = {
            "depends_on": needs(*before, restart=draw(st.booleans())),
            "scale": draw(st.integers(0, 2)),
            "environment": {"VALUE": draw(st.sampled_from(["1", "2"]))},
        }
        hosts = [each.name for each in services if each.replicas and each.name in before]
        if hosts and draw(st.booleans()):
            attributes["network_mode"] = f"service:{hosts[0]}"
        services.append(service(name, **attributes))
    return project(*services)


def apply(wanted: Project, runtime: FakeRuntime, **options: object) -> None:
    """`up`, without mercy for failures."""
    decided = plan_up(runtime, wanted, ReconcileOptions(**options))  # type: ignore[arg-type]
    execute(decided.plan, runtime, wanted.name, Execution(Recording())).raise_failures()


@settings(max_examples=40, deadline=None)
@given(projects(), projects(), st.sampled_from(list(Recreate)))
def test_after_up_nothing_must_be_left_to_do(before: Project, after: Project, recreate: Recreate) -> None:
    """From any project to any other."""
    runtime = FakeRuntime()
    apply(before, runtime)
    apply(after, runtime, recreate=recreate, remove_orphans=True)
    again = ReconcileOptions(recreate=Recreate.NEVER if recreate is Recreate.NEVER else Recreate.DIVERGED)
    assert str(plan_up(runtime, after, again).plan) == ""
    expected = {each.name: each.replicas for each in after.services.values() if each.replicas}
    running: dict[str, int] = {}
    for record in runtime.containers("shop"):
        assert record.status.is_live
        running[record.spec.service] = running.get(record.spec.service, 0) + 1
    assert running == expected


@settings(max_examples=40, deadline=None)
@given(projects())
def test_starts_must_follow_and_stops_precede_the_dependencies(wanted: Project) -> None:
    """depends_on, in both directions."""
    runtime = FakeRuntime()
    apply(wanted, runtime)
    started = [call.split()[1].split("-")[1] for call in runtime.calls if call.startswith("start_container")]
    runtime.calls.clear()
    down(runtime, "shop", DownOptions(), Execution(Recording()))
    stopped = [call.split()[1].split("-")[1] for call in runtime.calls if call.startswith("stop_container")]
    for each in wanted.services.values():
        for needed in each.depends_on:
            if each.replicas and wanted.services[needed].replicas:
                assert _last(started, needed) < started.index(each.name)
                assert _last(stopped, each.name) < stopped.index(needed)
    assert runtime.containers() == []
    assert runtime.networks() == []


def _last(names: list[str], name: str) -> int:
    return len(names) - 1 - names[::-1].index(name)
