"""When images are pulled: `pull_policy`, the flags, and what `pull` passes over."""

import time
from dataclasses import replace

import pytest

from compose.errors import ExecutionError, ProjectError
from compose.orchestration.executor import Execution
from compose.orchestration.interruption import Interruption
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.pull_policy import with_policy
from compose.orchestration.verbs.pull import PullOptions, plan_required, pull
from compose.orchestration.verbs.up import described, up
from runtime.errors import Cancelled
from schemas.composefile.project import Project
from schemas.engine.transfers import PulledImage
from tests.support.builders import image, needs, project, service
from tests.support.fake_runtime import FakeRuntime
from tests.support.recording import Recording

HOUR_NS = 3600 * 10**9


def _required(wanted: Project, runtime: FakeRuntime | None = None, **options: object) -> list[str]:
    plan = plan_required(runtime or FakeRuntime(), wanted, ReconcileOptions(**options))  # type: ignore[arg-type]
    return [str(node) for node in plan]


@pytest.mark.parametrize(
    ("policy", "here", "cause"),
    [
        ("", True, ""),
        ("", False, "no image yet"),
        ("missing", True, ""),
        ("missing", False, "no image yet"),
        ("always", True, "pull_policy: always"),
        ("always", False, "no image yet"),
        ("never", False, ""),
        ("build", False, ""),
        ("daily", False, "no image yet"),
    ],
)
def test_up_must_pull_what_the_policy_says(policy: str, here: bool, cause: str) -> None:
    """128: an image that is there is pulled again by `always` alone; `never` and `build` pull nothing."""
    wanted = project(service("web", image="busybox" if here else "redis", pull_policy=policy))
    name = wanted.services["web"].image
    assert _required(wanted) == ([f"[1] -> image:{name}, PullImage, {cause}"] if cause else [])


@pytest.mark.parametrize(
    ("policy", "hours", "is_pulled"),
    [
        ("daily", 23, False),
        ("daily", 25, True),
        ("weekly", 167, False),
        ("weekly", 169, True),
        ("every_1d12h", 35, False),
        ("every_1d12h", 37, True),
        ("every_30m", 1, True),
        ("refresh", 0, True),
    ],
)
def test_an_image_must_be_pulled_again_once_it_is_old_enough(policy: str, hours: int, is_pulled: bool) -> None:
    """Counted from when its name was last pulled, loaded or given."""
    runtime = FakeRuntime()
    runtime.images_since_ns["busybox"] = time.time_ns() - hours * HOUR_NS
    assert bool(_required(project(service("web", pull_policy=policy)), runtime)) is is_pulled


def test_an_image_whose_age_nobody_knows_must_be_pulled() -> None:
    """The journal does not go back for ever."""
    assert _required(project(service("web", pull_policy="weekly")))


def test_an_image_for_another_platform_must_be_pulled() -> None:
    """What is there cannot be run where `platform` wants it to."""
    runtime = FakeRuntime()
    runtime.known_images["busybox"] = replace(image(), architecture="amd64")
    assert _required(project(service("web", platform="linux/amd64")), runtime) == []
    assert _required(project(service("web", platform="linux/arm64")), runtime) == [
        "[1] -> image:busybox, PullImage, the image is for linux/amd64"
    ]


def test_an_image_of_several_services_must_be_pulled_once() -> None:
    """And all of them are told of."""
    wanted = project(service("a", image="redis"), service("b", image="redis"), service("c", image="nginx"))
    runtime, events = FakeRuntime(), Recording()
    up(runtime, wanted, ReconcileOptions(), Execution(events))
    assert sorted(call for call in runtime.calls if call.startswith("pull")) == ["pull_image nginx", "pull_image redis"]
    pulled = {event.resource for event in events.events if event.text == "Pulled"}
    assert pulled == {"a", "b", "c"}


def test_only_services_that_come_up_must_be_pulled() -> None:
    """Named ones and what they need; with `--no-deps` those alone."""
    wanted = project(
        service("web", image="nginx", depends_on=needs("db")),
        service("db", image="postgres"),
        service("other", image="redis"),
    )
    assert len(_required(wanted, services=("web",))) == 2
    assert len(_required(wanted, services=("web",), with_dependencies=False)) == 1


def test_a_failed_pull_must_end_up_before_anything_is_made() -> None:
    """60: nothing is started, and the error names the service and says what the registry said."""
    wanted = project(service("web", image="nope"), service("db"))
    runtime, events = FakeRuntime(), Recording()
    runtime.unpullable.add("nope")
    with pytest.raises(
        ExecutionError, match="cannot pull image `nope` of service `web`: manifest for `nope` not found"
    ):
        up(runtime, wanted, ReconcileOptions(), Execution(events))
    assert runtime.calls == ["pull_image nope"]
    assert "web  Error" in events.lines
    assert events.ended is False


def test_a_failed_pull_of_what_can_be_built_must_be_a_warning() -> None:
    """15: tried first, then built."""
    wanted = project(service("web", image="nope", build={"context": "/src"}), service("same", image="nope"))
    runtime, events = FakeRuntime(), Recording()
    runtime.unpullable.add("nope")
    up(runtime, wanted, ReconcileOptions(), Execution(events))
    assert runtime.calls[:2] == ["pull_image nope", "build_image nope"]
    assert "web  Warning" in events.lines
    assert "same  Warning" in events.lines


def test_a_flag_must_be_the_policy_of_every_service() -> None:
    """`--pull always`; `policy` leaves each its own."""
    wanted = project(service("web", pull_policy="never"), service("db"))
    assert len(_required(with_policy(wanted, "always"))) == 1
    assert {each.pull_policy for each in with_policy(wanted, "always").services.values()} == {"always"}
    assert with_policy(wanted, "policy") == wanted


def test_layers_must_be_told_below_their_service_unless_quiet() -> None:
    """`--quiet-pull` leaves the lines of the services."""
    wanted = project(service("web", image="nginx"))
    for quiet in (False, True):
        events = Recording()
        up(FakeRuntime(), wanted, ReconcileOptions(quiet_pull=quiet), Execution(events))
        layers = [event for event in events.events if event.parent]
        assert [event.parent for event in layers] == ([] if quiet else ["web"])
        assert "web  Pulled" in events.lines


def test_a_dry_run_must_name_the_pulls_first() -> None:
    """Nothing is pulled."""
    runtime = FakeRuntime()
    lines = described(runtime, project(service("web", image="nginx")), ReconcileOptions()).splitlines()
    assert lines[0] == "[1] -> image:nginx, PullImage, no image yet"
    assert "CreateContainer" in lines[2]
    assert runtime.calls == []


def test_ctrl_c_must_stop_a_pull() -> None:
    """The transfer is told to stop, nothing is made, and it is no failure."""
    interruption = Interruption()

    class Slow(FakeRuntime):
        def pull_image(self, reference: str, *, platform: str = "", listener=None) -> PulledImage:  # type: ignore[no-untyped-def] # noqa: ARG002
            interruption.set()
            assert listener.is_cancelled
            raise Cancelled("canceled")

    runtime, events = Slow(), Recording()
    outcome = up(
        runtime, project(service("web", image="nginx")), ReconcileOptions(), Execution(events, 0, interruption)
    )
    assert outcome.interrupted
    assert runtime.calls == []
    assert events.lines == ["web  Pulling", "web  Interrupted"]


def _pull(wanted: Project, runtime: FakeRuntime, **options: object) -> tuple[list[str], list[str]]:
    """Return the lines of `pull` that are final, and its failures."""
    events = Recording()
    outcome = pull(runtime, wanted, PullOptions(**options), Execution(events))  # type: ignore[arg-type]
    lines = [line for line in events.lines if not line.endswith("Pulling") and "complete" not in line]
    return sorted(lines), [failure.message for failure in outcome.failures]


def test_pull_must_pass_over_what_docker_compose_does_in_its_words() -> None:
    """No image, a policy against it, an image that is there (but not `latest`), one that another service pulls."""
    wanted = project(
        service("a", image="redis:7"),
        service("b", image="redis:7"),
        service("built", image="", build={"context": "."}),
        service("both", image="mine", build={"context": "."}),
        service("never", image="x", pull_policy="never"),
        service("here", image="here:1", pull_policy="missing"),
        service("latest", pull_policy="missing"),
    )
    runtime = FakeRuntime()
    runtime.known_images["here:1"] = image("here:1")
    lines, failures = _pull(wanted, runtime, ignore_buildable=True)
    assert lines == [
        "a  Pulled",
        "b  Skipped - Image is already being pulled by a",
        "both  Skipped - Image can be built",
        "built  Skipped - No image to be pulled",
        "here  Skipped - Image is already present locally",
        "latest  Pulled",
        "never  Skipped",
    ]
    assert failures == []


def test_pull_must_fail_unless_failures_are_ignored() -> None:
    """Everything else is pulled; what can be built is a warning, and a failure all the same."""
    wanted = project(service("a"), service("b", image="nope"), service("c", image="nope2", build={"context": "."}))
    runtime = FakeRuntime()
    runtime.unpullable.update({"nope", "nope2"})
    lines, failures = _pull(wanted, runtime)
    assert lines == ["a  Pulled", "b  Error", "c  Warning"]
    assert len(failures) == 2
    assert _pull(wanted, runtime, ignore_failures=True) == (lines, [])


def test_pull_must_take_the_dependencies_when_asked() -> None:
    """`--include-deps`; a name that is no service is refused."""
    wanted = project(service("web", image="nginx", depends_on=needs("db")), service("db", image="postgres"))
    assert _pull(wanted, FakeRuntime(), services=("web",))[0] == ["web  Pulled"]
    assert _pull(wanted, FakeRuntime(), services=("web",), include_dependencies=True)[0] == [
        "db  Pulled",
        "web  Pulled",
    ]
    with pytest.raises(ProjectError, match="no such service: nope"):
        _pull(wanted, FakeRuntime(), services=("nope",))
