"""Decisions of `up`, as plan texts: a project, what exists of it, and what is to be done."""

import pytest

from compose.errors import ProjectError
from compose.orchestration.observed import ObservedState
from compose.orchestration.options import ReconcileOptions, Recreate
from compose.orchestration.reconcile.reconciler import reconcile
from schemas.engine.status import ContainerStatus, HealthStatus
from tests.support.builders import named_volume, needs, nothing, project, service, up_and_running
from tests.support.plans import HEALTHCHECK, pair, plan, text


def test_a_fresh_project_must_be_made_and_started_in_the_order_of_its_dependencies() -> None:
    """Networks and volumes, containers, then starts with the waits between them."""
    wanted = project(
        service("db", healthcheck=HEALTHCHECK, volumes=(named_volume("data"),)),
        service("web", depends_on=needs("db", condition="service_healthy"), scale=2),
    )
    assert plan(wanted, nothing(wanted)) == text(
        """
        [1] -> network:default, CreateNetwork, no network yet
        [2] -> volume:data, CreateVolume, no volume yet
        [3] -> #1,#2 service:db:1, CreateContainer, no container yet
        [4] -> #1 service:web:1, CreateContainer, no container yet
        [5] -> #1 service:web:2, CreateContainer, no container yet
        [6] -> #3 service:db:1, StartContainer, created
        [7] -> #6 service:db, WaitCondition, web waits for db to be healthy
        [8] -> #4,#7 service:web:1, StartContainer, created
        [9] -> #5,#7 service:web:2, StartContainer, created
        """
    )


def test_a_second_up_must_do_nothing_and_say_running() -> None:
    """48: nothing changed, nothing recreated."""
    wanted = pair()
    decided = reconcile(wanted, up_and_running(wanted), ReconcileOptions())
    assert str(decided.plan) == ""
    assert decided.unchanged == (("shop-db-1", "Running"), ("shop-web-1", "Running"))
    assert decided.warnings == ()


def test_one_changed_variable_must_recreate_its_service_alone_and_be_named() -> None:
    """The new container is made beside the old one, which goes only then."""
    assert plan(pair(environment={"DEBUG": "1"}), up_and_running(pair())) == text(
        """
        [1] -> service:web:1, CreateContainer, config changed: environment.DEBUG
        [2] -> #1 service:web:1, StopContainer, config changed: environment.DEBUG
        [3] -> #2 service:web:1, RemoveContainer, config changed: environment.DEBUG
        [4] -> #3 service:web:1, RenameContainer, the old container is gone
        [5] -> #4 service:web:1, StartContainer, recreated
        """
    )


def test_a_new_image_must_recreate() -> None:
    """The reference is the same, what it stands for is not."""
    changed = up_and_running(pair(), shop_web_1={"image_id": "sha256:old"})
    assert plan(pair(), changed).splitlines()[0] == "[1] -> service:web:1, CreateContainer, image changed: busybox"


def test_a_stopped_container_must_be_started_again() -> None:
    """51: same hash, same file system."""
    observed = up_and_running(pair(), shop_db_1={"status": ContainerStatus.EXITED, "exit_code": 3, "finished_ns": 1})
    assert plan(pair(), observed) == "[1] -> service:db:1, StartContainer, exited (3)"


def test_a_paused_container_must_not_pass_for_running() -> None:
    """The runtime refuses to start it, as Docker does; silence would hide that nothing happens in it."""
    observed = up_and_running(pair(), shop_db_1={"status": ContainerStatus.PAUSED})
    assert plan(pair(), observed) == "[1] -> service:db:1, StartContainer, paused"


def test_force_recreate_must_leave_dependencies_alone() -> None:
    """Only the named service, unless --always-recreate-deps."""
    observed = up_and_running(pair())
    forced = plan(pair(), observed, services=("web",), recreate=Recreate.FORCE)
    assert "service:db" not in forced
    assert "service:web:1, CreateContainer, recreation is forced" in forced
    both = plan(pair(), observed, services=("web",), recreate=Recreate.FORCE, recreate_dependencies=Recreate.FORCE)
    assert "service:db:1, CreateContainer, recreation is forced" in both


def test_recreated_services_must_stop_dependents_first_and_start_dependencies_first() -> None:
    """64: db stops after web, web starts after db."""
    assert plan(pair(), up_and_running(pair()), recreate=Recreate.FORCE) == text(
        """
        [1] -> service:db:1, CreateContainer, recreation is forced
        [2] -> service:web:1, CreateContainer, recreation is forced
        [3] -> #2 service:web:1, StopContainer, recreation is forced
        [4] -> #3 service:web:1, RemoveContainer, recreation is forced
        [5] -> #4 service:web:1, RenameContainer, the old container is gone
        [6] -> #1,#3 service:db:1, StopContainer, recreation is forced
        [7] -> #6 service:db:1, RemoveContainer, recreation is forced
        [8] -> #7 service:db:1, RenameContainer, the old container is gone
        [9] -> #8 service:db:1, StartContainer, recreated
        [10] -> #5,#9 service:web:1, StartContainer, recreated
        """
    )


def test_no_recreate_must_leave_a_changed_service_as_it_is() -> None:
    """--no-recreate."""
    assert plan(pair(environment={"A": "1"}), up_and_running(pair()), recreate=Recreate.NEVER) == ""


def test_no_deps_must_touch_only_the_named_service() -> None:
    """--no-deps: nobody waits for what is not started."""
    assert plan(pair(), nothing(pair()), services=("web",), with_dependencies=False) == text(
        """
        [1] -> network:default, CreateNetwork, no network yet
        [2] -> #1 service:web:1, CreateContainer, no container yet
        [3] -> #2 service:web:1, StartContainer, created
        """
    )


def test_create_must_start_nothing() -> None:
    """`create` and --no-start."""
    assert "StartContainer" not in plan(pair(), nothing(pair()), start=False)


def test_create_must_stop_what_the_start_after_it_restarts_and_nothing_that_was_not_asked_for() -> None:
    """An attached `up` creates first and starts then: web, of `restart: true`, comes back with db."""
    before = project(service("db"), service("web", depends_on=needs("db", restart=True)))
    after = project(service("db", user="1"), service("web", depends_on=needs("db", restart=True)))
    both = plan(after, up_and_running(before), start=False)
    assert "service:web:1, StopContainer, dependency db is recreated" in both
    assert "service:web" not in plan(after, up_and_running(before), start=False, services=("db",))
    assert "service:web:1, StartContainer" in plan(after, up_and_running(before), services=("db",))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (2, 3, ["service:web:3, CreateContainer, scaled up to 3", "#1 service:web:3, StartContainer, created"]),
        (
            3,
            2,
            ["service:web:3, StopContainer, scaled down to 2", "#1 service:web:3, RemoveContainer, scaled down to 2"],
        ),
        (
            1,
            0,
            ["service:web:1, StopContainer, scaled down to 0", "#1 service:web:1, RemoveContainer, scaled down to 0"],
        ),
    ],
)
def test_scaling_must_add_above_the_highest_number_and_remove_from_the_top(
    before: int, after: int, expected: list[str]
) -> None:
    """54."""
    observed = up_and_running(project(service("web", scale=before)))
    lines = plan(project(service("web", scale=after)), observed).splitlines()
    assert [line.partition(" -> ")[2] for line in lines] == expected


def test_scaling_down_must_remove_obsolete_containers_first() -> None:
    """54: number 1 runs an old image, so it goes and nothing is recreated."""
    observed = up_and_running(project(service("web", scale=3)), shop_web_1={"image_id": "sha256:old"})
    assert plan(project(service("web", scale=2)), observed) == text(
        """
        [1] -> service:web:1, StopContainer, scaled down to 2
        [2] -> #1 service:web:1, RemoveContainer, scaled down to 2
        """
    )


def test_a_gap_in_the_numbers_must_not_be_filled() -> None:
    """54: the new number is the highest and one."""
    both = up_and_running(project(service("web", scale=2)))
    only_second = ObservedState("shop", both.containers[1:], both.networks, both.volumes, both.images)
    assert "service:web:3, CreateContainer" in plan(project(service("web", scale=2)), only_second)


def test_a_recreated_partner_must_recreate_what_shares_its_namespaces() -> None:
    """49: app stands in vpn's network, so it goes before vpn and comes after it."""
    before = project(service("vpn"), service("app", network_mode="service:vpn"))
    after = project(service("vpn", environment={"A": "1"}), service("app", network_mode="service:vpn"))
    assert plan(after, up_and_running(before)) == text(
        """
        [1] -> service:vpn:1, CreateContainer, config changed: environment.A
        [2] -> service:app:1, StopContainer, service vpn is recreated
        [3] -> #2 service:app:1, RemoveContainer, service vpn is recreated
        [4] -> #1,#2 service:vpn:1, StopContainer, config changed: environment.A
        [5] -> #4 service:vpn:1, RemoveContainer, config changed: environment.A
        [6] -> #5 service:vpn:1, RenameContainer, the old container is gone
        [7] -> #3,#6 service:app:1, CreateContainer, service vpn is recreated
        [8] -> #6 service:vpn:1, StartContainer, recreated
        [9] -> #7,#8 service:app:1, StartContainer, recreated
        """
    )
    assert plan(after, up_and_running(before), services=("vpn",)) == plan(after, up_and_running(before))


def test_volumes_from_must_recreate_with_its_source() -> None:
    """49."""
    before = project(service("data"), service("app", volumes_from=("data:ro",)))
    after = project(service("data", user="1"), service("app", volumes_from=("data:ro",)))
    assert "service:app:1, CreateContainer, service data is recreated" in plan(after, up_and_running(before))
    assert plan(before, up_and_running(before), with_dependencies=False) == ""


def test_restart_true_must_restart_a_running_dependent_and_no_stopped_one() -> None:
    """56."""
    before = project(service("db"), service("web", depends_on=needs("db", restart=True)))
    after = project(service("db", user="1"), service("web", depends_on=needs("db", restart=True)))
    assert plan(after, up_and_running(before)) == text(
        """
        [1] -> service:db:1, CreateContainer, config changed: user
        [2] -> service:web:1, StopContainer, dependency db is recreated
        [3] -> #1,#2 service:db:1, StopContainer, config changed: user
        [4] -> #3 service:db:1, RemoveContainer, config changed: user
        [5] -> #4 service:db:1, RenameContainer, the old container is gone
        [6] -> #5 service:db:1, StartContainer, recreated
        [7] -> #2,#6 service:web:1, StartContainer, dependency db is recreated
        """
    )
    stopped = up_and_running(before, shop_web_1={"status": ContainerStatus.EXITED, "finished_ns": 1})
    assert "StopContainer, dependency" not in plan(after, stopped)


def test_an_optional_dependency_must_only_be_over() -> None:
    """63: `required: false`."""
    wanted = project(service("db"), service("web", depends_on=needs("db", required=False)))
    assert plan(wanted, nothing(wanted)).splitlines()[-1] == "[5] -> #3,~4 service:web:1, StartContainer, created"


def test_a_dependency_without_replicas_must_be_skipped() -> None:
    """63: scaled to 0."""
    wanted = project(service("db", scale=0), service("web", depends_on=needs("db", condition="service_healthy")))
    assert "WaitCondition" not in plan(wanted, nothing(wanted))


def test_wait_must_add_a_wait_for_each_service_that_is_not_settled() -> None:
    """65; a running one without a health check, and a healthy one, are."""
    assert plan(pair(), nothing(pair()), wait=True).splitlines()[-2:] == [
        "[6] -> #4 service:db, WaitCondition, up --wait",
        "[7] -> #5 service:web, WaitCondition, up --wait",
    ]
    assert plan(pair(), up_and_running(pair()), wait=True) == ""
    starting = up_and_running(pair(), shop_web_1={"health": HealthStatus.STARTING})
    assert plan(pair(), starting, wait=True) == "[1] -> service:web, WaitCondition, up --wait"


def test_hooks_must_run_between_the_start_and_the_dependents() -> None:
    """130: post_start."""
    wanted = project(service("web", post_start=[{"command": ("a",)}]), service("z", depends_on=needs("web")))
    assert plan(wanted, nothing(wanted)).splitlines()[-2:] == [
        "[5] -> #4 service:web:1, RunHook, the container has been started",
        "[6] -> #3,#5 service:z:1, StartContainer, created",
    ]


def test_an_unknown_service_must_be_named() -> None:
    """`up nosuch`."""
    with pytest.raises(ProjectError, match=r"^no such service: nosuch$"):
        plan(pair(), nothing(pair()), services=("nosuch",))


def test_what_the_runtime_cannot_do_must_be_an_error_or_a_warning() -> None:
    """It names the attribute."""
    wanted = project(service("web", gpus=[{"count": -1}]))
    with pytest.raises(ProjectError, match="service `web`: `gpus` is not supported"):
        plan(wanted, nothing(wanted))
    wanted = project(service("web", network_mode="host", ports=[{"target": 80, "published": "80"}]))
    warnings = reconcile(wanted, nothing(wanted), ReconcileOptions()).warnings
    assert warnings[0].message.endswith("published ports are discarded when using host network mode")


def test_what_is_left_out_must_be_said() -> None:
    """A runtime there is none of."""
    wanted = project(service("web", runtime="runsc"), service("db", runtime="runc"))
    warnings = reconcile(wanted, nothing(wanted), ReconcileOptions()).warnings
    assert [each.message for each in warnings] == ["service `web`: `runtime` is ignored: there is one runtime only"]
