"""Which images `push` pushes, and what it says."""

import pytest

from compose.errors import ProjectError
from compose.orchestration.executor import Execution
from compose.orchestration.verbs.push import PushOptions, plan_push, push
from tests.support.builders import image, needs, project, service
from tests.support.fake_runtime import FakeRuntime
from tests.support.recording import Recording

BUILD = {"context": "."}


def test_only_what_is_built_and_named_must_be_pushed() -> None:
    """Somebody else's images are passed over; further tags of a build go along; nothing is pushed twice."""
    wanted = project(
        service("a", image="mine:1", build={**BUILD, "tags": ("mine:2", "mine:1")}),
        service("b", image="mine:1", build=BUILD),
        service("c"),
        service("d", image="", build=BUILD),
    )
    plan, skipped = plan_push(wanted, PushOptions())
    assert [str(node) for node in plan] == [
        "[1] -> image:mine:1, PushImage, push",
        "[2] -> image:mine:2, PushImage, push",
    ]
    assert skipped == [("c", "Skipped"), ("d", "Skipped")]


def test_dependencies_must_be_pushed_when_asked() -> None:
    """`--include-deps`; a name that is no service is refused."""
    wanted = project(
        service("web", image="web", build=BUILD, depends_on=needs("db")), service("db", image="db", build=BUILD)
    )
    assert len(plan_push(wanted, PushOptions(("web",)))[0]) == 1
    assert len(plan_push(wanted, PushOptions(("web",), include_dependencies=True))[0]) == 2
    with pytest.raises(ProjectError, match="no such service: nope"):
        plan_push(wanted, PushOptions(("nope",)))


def test_an_image_that_is_not_there_must_be_a_failure_and_the_others_pushed() -> None:
    """The failure is the command's to judge."""
    wanted = project(service("a", image="mine", build=BUILD), service("b", image="nope", build=BUILD))
    runtime, events = FakeRuntime(), Recording()
    runtime.known_images["mine"] = image("mine")
    outcome = push(runtime, wanted, PushOptions(), Execution(events))
    assert [failure.message for failure in outcome.failures] == [
        "b: An image does not exist locally with the tag: nope"
    ]
    assert sorted(events.lines) == [
        "0123456789ab  Mounted from",
        "a  Pushed",
        "a  Pushing",
        "b  Error",
        "b  Pushing",
    ]
    assert events.ended is False
