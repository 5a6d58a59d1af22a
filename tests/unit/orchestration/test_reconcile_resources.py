"""Decisions of `up` about networks, volumes, addresses, orphans and leftovers, as plan texts."""

from dataclasses import replace

import pytest

from compose import labels
from compose.errors import ProjectError
from compose.orchestration.observed import ObservedState
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.reconcile.reconciler import reconcile
from schemas.composefile.network import NetworkConfig
from schemas.composefile.volume import VolumeConfig
from schemas.engine.identifiers import ContainerID
from schemas.engine.status import ContainerStatus
from tests.support.builders import named_volume, nothing, project, service, up_and_running
from tests.support.plans import pair, plan, text


def test_orphans_must_be_warned_of_and_removed_on_demand() -> None:
    """59."""
    left, observed = project(service("db")), up_and_running(pair())
    decided = reconcile(left, observed, ReconcileOptions())
    assert str(decided.plan) == ""
    assert "Found orphan containers ([shop-web-1]) for this project" in decided.warnings[0].message
    assert reconcile(left, observed, ReconcileOptions(ignore_orphans=True)).warnings == ()
    assert plan(left, observed, remove_orphans=True) == text(
        """
        [1] -> service:web:1, StopContainer, no such service any more
        [2] -> #1 service:web:1, RemoveContainer, no such service any more
        """
    )


def test_services_of_disabled_profiles_must_be_no_orphans() -> None:
    """59: they are in the file."""
    left = project(service("db"), disabled_services={"web": service("web")})
    decided = reconcile(left, up_and_running(pair()), ReconcileOptions(remove_orphans=True))
    assert str(decided.plan) == ""
    assert decided.warnings == ()


def test_containers_of_another_checkout_must_be_no_orphans() -> None:
    """Two folders with one project name: say so, remove nothing."""
    observed = up_and_running(pair())
    for record in observed.containers:
        record.spec.labels[labels.WORKING_DIR] = "/srv/other"
    decided = reconcile(project(service("new")), observed, ReconcileOptions(remove_orphans=True))
    assert "RemoveContainer" not in str(decided.plan)
    assert decided.warnings[0].message == (
        "project `shop` also has containers made from `/srv/other`, this one is `/srv/shop`"
    )


def test_a_changed_network_must_be_made_anew_between_its_users_end_and_return() -> None:
    """57: nobody stands on it while it is removed."""
    changed = pair().model_copy(update={"networks": {"default": NetworkConfig(name="shop_default", internal=True)}})
    assert plan(changed, up_and_running(pair())) == text(
        """
        [1] -> service:web:1, StopContainer, network default changed: internal
        [2] -> #1 service:web:1, RemoveContainer, network default changed: internal
        [3] -> #1 service:db:1, StopContainer, network default changed: internal
        [4] -> #3 service:db:1, RemoveContainer, network default changed: internal
        [5] -> #2,#4 network:default, RemoveNetwork, network default changed: internal
        [6] -> #5 network:default, CreateNetwork, network default changed: internal
        [7] -> #4,#6 service:db:1, CreateContainer, network default changed: internal
        [8] -> #2,#6 service:web:1, CreateContainer, network default changed: internal
        [9] -> #7 service:db:1, StartContainer, recreated
        [10] -> #8,#9 service:web:1, StartContainer, recreated
        """
    )


def test_a_network_that_was_removed_by_hand_must_recreate_its_users() -> None:
    """49: the container stands on a network that is another one now."""
    observed = up_and_running(pair())
    gone = ObservedState("shop", observed.containers, {}, observed.volumes, observed.images)
    lines = plan(pair(), gone).splitlines()
    assert lines[0] == "[1] -> network:default, CreateNetwork, no network yet"
    assert lines[1] == "[2] -> #1 service:db:1, CreateContainer, network changed: shop_default"


def test_a_changed_volume_must_be_kept_unless_its_loss_is_agreed_to() -> None:
    """57: default is no."""
    before = project(service("db", volumes=(named_volume("data"),)))
    changed = VolumeConfig(name="shop_data", driver_opts={"type": "tmpfs"})
    after = before.model_copy(update={"volumes": {"data": changed}})
    decided = reconcile(after, up_and_running(before), ReconcileOptions())
    assert str(decided.plan) == ""
    assert "does not match the configuration in the Compose file (driver_opts.type)" in decided.warnings[0].message
    assert plan(after, up_and_running(before), recreate_volumes=frozenset({"shop_data"})) == text(
        """
        [1] -> service:db:1, StopContainer, volume data changed: driver_opts.type
        [2] -> #1 service:db:1, RemoveContainer, volume data changed: driver_opts.type
        [3] -> #2 volume:data, RemoveVolume, volume data changed: driver_opts.type
        [4] -> #3 volume:data, CreateVolume, volume data changed: driver_opts.type
        [5] -> #2,#4 service:db:1, CreateContainer, volume data changed: driver_opts.type
        [6] -> #5 service:db:1, StartContainer, recreated
        """
    )


def test_another_name_of_an_external_volume_must_recreate() -> None:
    """Better than docker compose 2.26, which keeps the old volume mounted."""
    before = project(service("db", volumes=(named_volume("data"),)))
    renamed = {"data": VolumeConfig(name="other", external=True)}
    observed = up_and_running(before)
    others = {**observed.volumes, "other": observed.volumes["shop_data"]}
    there = ObservedState("shop", observed.containers, observed.networks, others, observed.images)
    cause = plan(before.model_copy(update={"volumes": renamed}), there).splitlines()[0]
    assert cause == "[1] -> service:db:1, CreateContainer, config changed: volumes./data"


def test_missing_external_resources_must_be_errors() -> None:
    """58, in docker compose's words."""
    wanted = pair().model_copy(update={"networks": {"default": NetworkConfig(name="front", external=True)}})
    with pytest.raises(ProjectError, match=r"^network front declared as external, but could not be found$"):
        plan(wanted, nothing(wanted))
    wanted = project(service("db", volumes=(named_volume("data"),)))
    wanted = wanted.model_copy(update={"volumes": {"data": VolumeConfig(name="tank", external=True)}})
    with pytest.raises(ProjectError, match=r'^external volume "tank" not found$'):
        plan(wanted, nothing(wanted))


def test_anonymous_volumes_must_be_carried_over_unless_renewed() -> None:
    """53: by mount path."""
    observed = up_and_running(pair(), shop_web_1={"anonymous_volumes": (("/cache", "a1b2"),)})
    changed = pair(environment={"A": "1"})
    kept = reconcile(changed, observed, ReconcileOptions()).plan.nodes[0].operation
    assert getattr(kept, "anonymous_volumes", None) == {"/cache": "a1b2"}
    renewed = reconcile(pair(), observed, ReconcileOptions(renew_anonymous_volumes=True)).plan
    assert all(not getattr(node.operation, "anonymous_volumes", {}) for node in renewed)
    assert "anonymous volumes are renewed" in str(renewed)


def test_a_fixed_address_must_be_given_back_before_it_is_taken_again() -> None:
    """Old and new cannot both have it."""
    before = project(service("a", networks={"default": {"ipv4_address": "10.0.0.5"}}))
    after = project(service("a", user="1", networks={"default": {"ipv4_address": "10.0.0.5"}}))
    assert plan(after, up_and_running(before)) == text(
        """
        [1] -> service:a:1, StopContainer, config changed: user
        [2] -> #1 service:a:1, RemoveContainer, config changed: user
        [3] -> #2 service:a:1, CreateContainer, config changed: user
        [4] -> #3 service:a:1, StartContainer, recreated
        """
    )


def test_a_port_that_moves_must_be_free_before_it_is_published_again() -> None:
    """8080 goes from a to b in one `up`."""
    port = [{"target": 80, "published": "8080"}]
    before, after = project(service("a", ports=port), service("b")), project(service("a"), service("b", ports=port))
    lines = plan(after, up_and_running(before)).splitlines()
    assert lines[6] == "[7] -> #6 service:a:1, RemoveContainer, config changed: ports.80/tcp"
    assert lines[9] == "[10] -> #5,#7 service:b:1, StartContainer, recreated"


def test_an_interrupted_recreation_must_be_finished_or_undone() -> None:
    """52: the replacement takes over if the old one is gone, otherwise it goes itself."""
    replaced = up_and_running(pair())
    web = replaced.containers[1]
    web.spec.labels[labels.REPLACE] = "shop-web-1"
    waiting = replace(web.spec, name="0123456789ab_shop-web-1")
    left = replace(web, id=ContainerID("new"), spec=waiting, status=ContainerStatus.CREATED)
    alone = ObservedState("shop", (replaced.containers[0], left), replaced.networks, {}, replaced.images)
    assert plan(pair(), alone) == text(
        """
        [1] -> service:web:1, RenameContainer, finishes an interrupted recreation
        [2] -> #1 service:web:1, StartContainer, created
        """
    )
    beside = ObservedState("shop", (*replaced.containers, left), replaced.networks, {}, replaced.images)
    assert plan(pair(), beside) == "[1] -> service:web:1, RemoveContainer, left over from an interrupted recreation"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"enable_ipv4": False}, "network `default`: `enable_ipv4: false` is not supported"),
        ({"ipam": {"driver": "dhcp"}}, "network `default`: the ipam driver `dhcp` is not supported"),
    ],
)
def test_a_network_that_cannot_be_made_as_asked_must_be_refused(config: dict[str, object], message: str) -> None:
    """Rather than made otherwise."""
    wanted = pair().model_copy(update={"networks": {"default": NetworkConfig.model_validate(config)}})
    with pytest.raises(ProjectError, match=message):
        plan(wanted, nothing(wanted))
