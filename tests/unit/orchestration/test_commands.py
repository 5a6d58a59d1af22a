"""The other commands: from what exists, by its labels, to plans; and `run`."""

from dataclasses import replace
from textwrap import dedent

import pytest

from compose import labels
from compose.errors import ProjectError
from compose.orchestration.executor import Execution, Outcome, execute
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.selection import containers_of, target
from compose.orchestration.verbs import lifecycle
from compose.orchestration.verbs.down import Declared, DownOptions, down, plan_down
from compose.orchestration.verbs.lifecycle import LifecycleOptions
from compose.orchestration.verbs.oneoff import RunOptions, create_one_off
from compose.orchestration.verbs.scale import parse_scale, scaled
from compose.orchestration.verbs.up import plan_up
from compose.orchestration.verbs.waiting import wait
from runtime.errors import FailedPrecondition
from schemas.composefile.port import PortConfig
from schemas.composefile.project import Project
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ExecSpec
from schemas.engine.status import ContainerStatus, HealthStatus
from tests.support.builders import named_volume, needs, project, service
from tests.support.fake_runtime import FakeRuntime
from tests.support.recording import Recording

SHOP = project(
    service("db", volumes=(named_volume("data"),)),
    service("web", depends_on=needs("db", restart=True)),
    service("mail"),
)


def text(block: str) -> str:
    """A literal without its margin."""
    return dedent(block).strip()


def running(wanted: Project = SHOP) -> FakeRuntime:
    """A runtime with the project up."""
    runtime = FakeRuntime()
    plan = plan_up(runtime, wanted, ReconcileOptions()).plan
    execute(plan, runtime, wanted.name, Execution(Recording())).raise_failures()
    runtime.calls.clear()
    return runtime


def stopped() -> FakeRuntime:
    """The same, everything ended."""
    runtime = running()
    for record in runtime.containers("shop"):
        runtime.ends(record.id, 0)
    return runtime


def test_down_must_work_from_labels_alone_in_reverse_order() -> None:
    """74: no file, only the name of the project."""
    assert str(plan_down(running(), "shop", DownOptions())) == text(
        """
        [1] -> service:web:1, StopContainer, down
        [2] -> #1 service:web:1, RemoveContainer, down
        [3] -> service:mail:1, StopContainer, down
        [4] -> #3 service:mail:1, RemoveContainer, down
        [5] -> #2 service:db:1, StopContainer, down
        [6] -> #5 service:db:1, RemoveContainer, down
        [7] -> #2,#4,#6 network:default, RemoveNetwork, down
        """
    )


def test_down_with_volumes_must_remove_named_ones_of_the_file() -> None:
    """75: declared and not external."""
    runtime = running()
    lines = str(plan_down(runtime, "shop", DownOptions(volumes=True))).splitlines()
    assert lines[-1] == "[8] -> #6 volume:data, RemoveVolume, down"
    declared = Declared(frozenset({"db", "web", "mail"}), frozenset())
    assert "RemoveVolume" not in str(plan_down(runtime, "shop", DownOptions(volumes=True, declared=declared)))


def test_down_must_leave_orphans_unless_told() -> None:
    """--remove-orphans."""
    runtime, declared = running(), Declared(frozenset({"db", "web"}), frozenset())
    assert "mail" not in str(plan_down(runtime, "shop", DownOptions(declared=declared)))
    assert "mail" in str(plan_down(runtime, "shop", DownOptions(declared=declared, remove_orphans=True)))


def test_down_with_nothing_there_must_say_so() -> None:
    """75, exit 0."""
    outcome = down(FakeRuntime(), "shop", DownOptions(), Execution(Recording()))
    assert [warning.message for warning in outcome.warnings] == ['No resource found to remove for project "shop".']


def test_a_network_in_use_must_be_a_warning_for_down() -> None:
    """74: something else stands on it."""
    runtime, events = running(), Recording()
    runtime.failures["remove_network shop_default"] = FailedPrecondition("has active endpoints")
    outcome = down(runtime, "shop", DownOptions(), Execution(events))
    assert [warning.message for warning in outcome.warnings] == ["Network shop_default: Resource is still in use"]
    assert events.lines[-1] == "Network shop_default  Resource is still in use"


def test_stop_must_go_against_the_dependencies_with_hooks_first() -> None:
    """73."""
    options = LifecycleOptions(timeout_s=1, pre_stop={"web": [ExecSpec(("drain",))]})
    assert str(lifecycle.plan_stop(running(), "shop", options)) == text(
        """
        [1] -> service:web:1, RunHook, before the signal
        [2] -> #1 service:web:1, StopContainer, stop
        [3] -> service:mail:1, StopContainer, stop
        [4] -> #2 service:db:1, StopContainer, stop
        """
    )
    assert str(lifecycle.plan_stop(stopped(), "shop", LifecycleOptions())) == ""


def test_start_must_bring_along_what_a_service_needs() -> None:
    """As docker compose does: `start web` starts db."""
    assert str(lifecycle.plan_start(stopped(), "shop", LifecycleOptions(services=("web",)))) == text(
        """
        [1] -> service:db:1, StartContainer, start
        [2] -> #1 service:web:1, StartContainer, start
        """
    )


def test_start_must_honour_stored_conditions() -> None:
    """61: from the label."""
    wanted = project(
        service("db", healthcheck={"test": ("CMD", "true")}),
        service("web", depends_on=needs("db", condition="service_healthy")),
    )
    runtime = FakeRuntime()

    def script(record: ContainerRecord) -> None:
        if record.health is HealthStatus.STARTING:
            runtime.becomes(record.id, HealthStatus.HEALTHY)

    runtime.script = script
    execute(plan_up(runtime, wanted, ReconcileOptions()).plan, runtime, "shop", Execution(Recording()))
    for record in runtime.containers("shop"):
        runtime.ends(record.id, 0)
    assert str(lifecycle.plan_start(runtime, "shop", LifecycleOptions())) == text(
        """
        [1] -> service:db:1, StartContainer, start
        [2] -> #1 service:db, WaitCondition, web waits for db
        [3] -> #2 service:web:1, StartContainer, start
        """
    )


def test_restart_must_cascade_to_those_that_ask_for_it() -> None:
    """77, and not with --no-deps."""
    runtime = running()
    assert str(lifecycle.plan_restart(runtime, "shop", LifecycleOptions(services=("db",)))) == text(
        """
        [1] -> service:db:1, StopContainer, stop
        [2] -> #1 service:db:1, StartContainer, start
        [3] -> #2 service:web:1, StopContainer, stop
        [4] -> #3 service:web:1, StartContainer, start
        """
    )
    alone = LifecycleOptions(services=("db",), with_dependents=False)
    assert "web" not in str(lifecycle.plan_restart(runtime, "shop", alone))


def run(planner: lifecycle.Planner, runtime: FakeRuntime, events: Recording, **options: object) -> Outcome:
    """Run one of the plans."""
    return lifecycle.run(planner, runtime, "shop", LifecycleOptions(**options), Execution(events))  # type: ignore[arg-type]


def test_words_must_be_docker_composes() -> None:
    """As the real one prints them."""
    runtime, events = running(), Recording()
    run(lifecycle.plan_restart, runtime, events, services=("mail",))
    run(lifecycle.plan_pause, runtime, events, services=("mail",))
    run(lifecycle.plan_unpause, runtime, events, services=("mail",))
    run(lifecycle.plan_kill, runtime, events, services=("mail",))
    run(lifecycle.plan_remove, runtime, events)
    assert [line.removeprefix("Container shop-mail-1  ") for line in events.lines] == [
        "Restarting",
        "Started",
        "Paused",
        "Unpaused",
        "Killing",
        "Killed",
        "Removing",
        "Removed",
    ]


def test_rm_must_leave_what_runs_unless_it_may_stop_it() -> None:
    """76."""
    runtime = running()
    assert str(lifecycle.plan_remove(runtime, "shop", LifecycleOptions())) == ""
    lines = str(lifecycle.plan_remove(runtime, "shop", LifecycleOptions(services=("db",), stop_first=True)))
    assert lines == "[1] -> service:db:1, StopContainer, stop\n[2] -> #1 service:db:1, RemoveContainer, rm"


def test_rm_must_leave_the_containers_of_run() -> None:
    """As docker compose does: they may have been kept for a look at them."""
    runtime = running()
    (mail,) = (record for record in runtime.containers("shop") if record.spec.service == "mail")
    spec = replace(mail.spec, name="shop-mail-run-1", oneoff=True)
    runtime.create_container(spec)
    for options in (LifecycleOptions(services=("mail",)), LifecycleOptions(services=("mail",), stop_first=True)):
        assert "run-1" not in str(lifecycle.plan_remove(runtime, "shop", options))
        assert all(node.operation.name != "shop-mail-run-1" for node in lifecycle.plan_remove(runtime, "shop", options))


def test_wait_must_return_codes_also_of_what_has_ended() -> None:
    """94, better: the recorded code."""
    runtime = running()
    runtime.ends("shop-web-1", 3)
    ((record, code),) = wait(runtime, "shop", ["web"])
    assert (record.name, code) == ("shop-web-1", 3)
    with pytest.raises(ProjectError, match='no containers for project "other"'):
        wait(runtime, "other", [])


def test_exec_must_find_the_lowest_running_replica() -> None:
    """88, with docker compose's words when there is none."""
    runtime = running(project(service("web", scale=3)))
    runtime.ends("shop-web-1", 0)
    assert target(runtime, "shop", "web").name == "shop-web-2"
    assert target(runtime, "shop", "web", 3).name == "shop-web-3"
    with pytest.raises(ProjectError, match=r'^service "web" is not running container #1$'):
        target(runtime, "shop", "web", 1)
    with pytest.raises(ProjectError, match=r'^service "db" is not running$'):
        target(runtime, "shop", "db")


def test_an_unknown_service_must_be_named() -> None:
    """By every command that takes services."""
    with pytest.raises(ProjectError, match="no such service: nosuch"):
        containers_of(running(), "shop", ["nosuch"])


def test_run_must_make_another_container_and_start_what_it_needs() -> None:
    """85, 86."""
    ports = [{"target": 80, "published": "8080"}]
    wanted = project(
        service("db"), service("web", depends_on=needs("db"), ports=ports, restart="always", command=("serve",))
    )
    runtime = FakeRuntime()
    options = RunOptions("web", command=("sh",), environment={"A": "1"}, tty=True)
    record = create_one_off(runtime, wanted, options, Execution(Recording()))
    spec = record.spec
    assert spec.name.startswith("shop-web-run-")
    assert len(spec.name) == len("shop-web-run-") + 12
    assert (spec.oneoff, spec.labels[labels.ONEOFF]) == (True, "True")
    assert (spec.command, spec.environment, spec.tty, spec.ports) == (("sh",), {"A": "1"}, True, ())
    assert (spec.restart.name, spec.endpoints[0].aliases) == ("no", ())
    assert record.status is ContainerStatus.CREATED
    assert runtime.container("shop-db-1").status is ContainerStatus.RUNNING
    assert [each.name for each in runtime.containers() if each.spec.service == "web"] == [spec.name]


def test_run_must_take_over_what_the_command_line_says() -> None:
    """86: --entrypoint clears the command; -P publishes the service's ports, -p others."""
    wanted = project(service("web", command=("serve",), ports=[{"target": 80, "published": "8080"}]))
    options = RunOptions("web", entrypoint=("sh",), service_ports=True, use_aliases=True, name="mine")
    spec = create_one_off(FakeRuntime(), wanted, options, Execution(Recording())).spec
    assert (spec.name, spec.entrypoint, spec.command) == ("mine", ("sh",), ())
    assert (spec.ports[0].host_port, spec.endpoints[0].aliases) == (8080, ("web",))
    both = RunOptions("web", service_ports=True, publish=(PortConfig(target=1),))
    with pytest.raises(ProjectError, match="--service-ports and --publish are incompatible"):
        create_one_off(FakeRuntime(), wanted, both, Execution(Recording()))


def test_scale_must_be_read_and_checked() -> None:
    """95."""
    assert parse_scale(["web=3", "db=0"]) == {"web": 3, "db": 0}
    with pytest.raises(ProjectError, match=r"^invalid scale specifier: web=x$"):
        parse_scale(["web=x"])
    with pytest.raises(ProjectError, match="no such service: nosuch"):
        scaled(SHOP, {"nosuch": 1})
    fixed = project(service("web", container_name="one"))
    with pytest.raises(ProjectError, match="has the fixed container name `one`"):
        scaled(fixed, {"web": 2})
    assert scaled(SHOP, {"web": 2}).services["web"].replicas == 2
