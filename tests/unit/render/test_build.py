"""Builds are shown as BuildKit shows them: plain for pipes, a live view for terminals, objects for programs."""

import io
import json

from compose.events import BuildProgress
from compose.render import build_tty, jsonl, plain
from compose.render.build_lines import BuildSteps
from schemas.engine.builds import BuildEvent, BuildStage


def said(step: int, title: str, stage: BuildStage, text: str = "", elapsed_s: float = 0.0, service: str = "web"):
    return BuildProgress(service, BuildEvent(step, title, stage, text, elapsed_s), 100.0 + elapsed_s)


EVENTS = [
    said(1, "[internal] load build definition from Dockerfile", BuildStage.STARTED),
    said(1, "[internal] load build definition from Dockerfile", BuildStage.DONE),
    said(2, "[1/2] FROM x", BuildStage.STARTED),
    said(2, "[1/2] FROM x", BuildStage.CACHED),
    said(3, "[2/2] RUN y", BuildStage.STARTED),
    said(3, "[2/2] RUN y", BuildStage.OUTPUT, "10%\r90%\rone\r\ntw", 0.25),
    said(1, "[1/1] RUN z", BuildStage.STARTED, service="api"),
    said(1, "[1/1] RUN z", BuildStage.FAILED, "exit code: 1", 0.5, service="api"),
    said(3, "[2/2] RUN y", BuildStage.OUTPUT, "o\n\x1b[31mred\x1b[m\tx\x1b[2J", 1.0),
    said(3, "[2/2] RUN y", BuildStage.DONE, "", 1.25),
    said(4, "exporting to image", BuildStage.STARTED),
    said(4, "exporting to image", BuildStage.CANCELED),
]


def test_a_pipe_must_get_buildkits_plain_lines():
    """Steps of several services are numbered in one row; a step that is left and taken up again says its name again."""
    stream = io.StringIO()
    renderer = plain.renderer(stream)
    for event in EVENTS:
        renderer.on(event)
    assert stream.getvalue().splitlines() == [
        "#1 [web internal] load build definition from Dockerfile",
        "#1 DONE 0.0s",
        "",
        "#2 [web 1/2] FROM x",
        "#2 CACHED",
        "",
        "#3 [web 2/2] RUN y",
        "#3 0.250 one",
        "#3 ...",
        "",
        "#4 [api 1/1] RUN z",
        "#4 ERROR: exit code: 1",
        "",
        "#3 [web 2/2] RUN y",
        "#3 1.000 two",
        "#3 1.250 red     x\\x1b[2J",
        "#3 DONE 1.2s",
        "",
        "#5 [web] exporting to image",
        "#5 CANCELED",
    ]


def test_a_program_must_get_one_object_for_each_event():
    """With the service it belongs to."""
    stream = io.StringIO()
    renderer = jsonl.renderer(stream)
    for event in EVENTS[6:8]:
        renderer.on(event)
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"id": "[api 1/1] RUN z", "parent_id": "api", "status": "Working", "text": "Building"},
        {"id": "[api 1/1] RUN z", "parent_id": "api", "status": "Error", "text": "Error", "details": "exit code: 1"},
    ]


def drawn(events: list[BuildProgress], height: int = 20, *, complete: bool = False) -> list[str]:
    steps = BuildSteps()
    for event in events:
        steps.update(event)
    lines = build_tty.drawn(steps, 100.0, height=height, width=40, complete=complete)
    return [line.plain.rstrip() for line in lines]


def test_a_terminal_must_show_what_goes_on_with_what_it_says():
    """One line a step, its last output below it while it runs."""
    lines = drawn(EVENTS[:6])
    assert lines[0].endswith("s (2/3)")
    assert lines[1].startswith(" => [web internal] load build")
    assert lines[2].startswith(" => CACHED [web 1/2] FROM x")
    assert lines[3].startswith(" => [web 2/2] RUN y")
    assert lines[4] == " => => # one"


def test_a_small_terminal_must_show_what_goes_on():
    """What is over gives way first."""
    lines = drawn(EVENTS[:6], height=5)
    assert any("RUN y" in line for line in lines)
    assert len(lines) <= 5


def test_the_last_view_must_show_every_step_without_its_output():
    """It stays on the screen."""
    lines = drawn(EVENTS, complete=True)
    assert len(lines) == 6
    assert lines[4].startswith(" => ERROR [api 1/1] RUN z")
