"""Progress renderers, by their literal output."""

import io
import json
import re

import pytest

from compose.events import Progress, ProgressEvent
from compose.render import jsonl, plain, quiet, tty
from compose.render.progress_lines import Lines

NETWORK = "Network shop_default"
WEB = "Container shop-web-1"


def _events() -> list[ProgressEvent]:
    return [
        ProgressEvent(NETWORK, Progress.WORKING, "Creating", "no network yet", 10.0),
        ProgressEvent(NETWORK, Progress.DONE, "Created", "", 10.1),
        ProgressEvent(WEB, Progress.WORKING, "Creating", "no container yet", 10.1),
        ProgressEvent(WEB, Progress.DONE, "Created", "", 10.2),
        ProgressEvent(WEB, Progress.WAITING, "Waiting", "db is starting (1 of 3 probes failed)", 10.3),
        ProgressEvent(WEB, Progress.WAITING, "Waiting", "db is starting (2 of 3 probes failed)", 11.3),
        ProgressEvent(WEB, Progress.ERROR, "Error", "dependency failed to start", 12.0),
    ]


def test_plain_progress_must_be_docker_composes_lines() -> None:
    """One line whenever the word changes; a reason that changes is no news."""
    stream = io.StringIO()
    renderer = plain.renderer(stream)
    for event in _events():
        renderer.on(event)
    assert stream.getvalue() == (
        " Network shop_default  Creating\n"
        " Network shop_default  Created\n"
        " Container shop-web-1  Creating\n"
        " Container shop-web-1  Created\n"
        " Container shop-web-1  Waiting\n"
        " Container shop-web-1  Error\n"
    )


def test_plain_progress_must_name_the_reason_of_a_warning() -> None:
    """What was skipped and why is not repeated by an error message."""
    stream = io.StringIO()
    plain.renderer(stream).on(ProgressEvent(WEB, Progress.WARNING, "Skipped", "db failed"))
    assert stream.getvalue() == " Container shop-web-1  Skipped: db failed\n"


def test_a_dry_run_must_be_marked_on_every_line() -> None:
    """docker compose's prefix."""
    stream = io.StringIO()
    plain.renderer(stream, dry_run=True).on(ProgressEvent(WEB, Progress.DONE, "Created"))
    assert stream.getvalue() == " DRY-RUN MODE -  Container shop-web-1  Created\n"


def test_plain_progress_must_not_pass_control_characters_on() -> None:
    """A volume's name may come from a file of somebody else."""
    stream = io.StringIO()
    plain.renderer(stream).on(ProgressEvent("Volume \x1b[2J", Progress.DONE, "Created"))
    assert stream.getvalue() == " Volume \\x1b[2J  Created\n"


def test_json_progress_must_be_one_object_a_line() -> None:
    """Every event, also those whose reason alone changes."""
    stream = io.StringIO()
    renderer = jsonl.renderer(stream)
    for event in _events():
        renderer.on(event)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 7
    assert lines[1] == {"id": NETWORK, "status": "Done", "text": "Created"}
    assert lines[4] == {
        "id": WEB,
        "status": "Working",
        "text": "Waiting",
        "details": "db is starting (1 of 3 probes failed)",
    }


def test_quiet_progress_must_print_nothing() -> None:
    """Not even a title."""
    stream = io.StringIO()
    renderer = quiet.renderer(stream)
    renderer.start("Running")
    for event in _events():
        renderer.on(event)
    renderer.done(success=True)
    assert stream.getvalue() == ""


def test_the_live_view_must_end_with_every_resource_and_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """`[+] Running 2/2`, one line each with state, reason and seconds."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    stream = io.StringIO()
    renderer = tty.renderer(stream, colour=False)
    renderer.start("Running")
    for event in _events():
        renderer.on(event)
    renderer.done(success=False)
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue()).rpartition("[+] ")[2]
    assert last.startswith("Running 2/2\n")
    assert " ✔ Network shop_default  Created " in last
    assert "0.1s" in last
    assert " ✘ Container shop-web-1  Error  dependency failed to start " in last
    assert "1.9s" in last


def test_the_live_view_must_fit_the_terminal() -> None:
    """Finished lines go first, and what is being worked on stays."""
    lines = Lines()
    for number in range(10):
        done = number not in (3, 8)
        lines.update(ProgressEvent(f"c{number}", Progress.DONE if done else Progress.WORKING, "", "", 1.0))
    assert [line.resource for line in lines.fitting(4)] == ["c3", "c7", "c8", "c9"]
    assert {"c3", "c8"} <= {line.resource for line in lines.fitting(4)}
    assert len(lines.fitting(1)) == 1
    assert len(lines.fitting(100)) == 10
    assert lines.finished == 8


def test_a_line_must_count_from_its_first_event() -> None:
    """Creating and starting are one time; it stops with the final state and goes on when work does."""
    lines = Lines()
    lines.update(ProgressEvent(WEB, Progress.WORKING, "Creating", "", 5.0))
    lines.update(ProgressEvent(WEB, Progress.DONE, "Created", "", 6.5))
    assert lines.all()[0].elapsed_s(100.0) == 1.5
    lines.update(ProgressEvent(WEB, Progress.WORKING, "Starting", "", 8.0))
    assert lines.all()[0].elapsed_s(9.0) == 4.0


def _pull_events() -> list[ProgressEvent]:
    layer = {"is_image": True, "parent": "web"}
    return [
        ProgressEvent("web", Progress.WORKING, "Pulling", "no image yet", 1.0, is_image=True),
        ProgressEvent("db", Progress.WORKING, "Pulling", "no image yet", 1.0, is_image=True),
        ProgressEvent("aaaa", Progress.DONE, "Already exists", **layer),  # type: ignore[arg-type]
        ProgressEvent("bbbb", Progress.WORKING, "Downloading", current_bytes=0, total_bytes=8000, **layer),  # type: ignore[arg-type]
        ProgressEvent("bbbb", Progress.WORKING, "Downloading", current_bytes=4000, total_bytes=8000, **layer),  # type: ignore[arg-type]
        ProgressEvent("db", Progress.ERROR, "Error", "manifest unknown", 2.0, is_image=True),
    ]


def test_plain_progress_of_a_pull_must_be_docker_composes_lines() -> None:
    """One space, one at the end, no reason but of an error; a layer has a line for each stage."""
    stream = io.StringIO()
    renderer = plain.renderer(stream)
    for event in _pull_events():
        renderer.on(event)
    assert stream.getvalue() == (
        " web Pulling \n db Pulling \n aaaa Already exists \n bbbb Downloading \n db Error manifest unknown\n"
    )


def test_a_program_must_be_told_how_far_a_layer_is() -> None:
    """Bytes and percent, and the image it belongs to."""
    stream = io.StringIO()
    renderer = jsonl.renderer(stream)
    for event in _pull_events():
        renderer.on(event)
    assert json.loads(stream.getvalue().splitlines()[4]) == {
        "id": "bbbb",
        "parent_id": "web",
        "status": "Working",
        "text": "Downloading",
        "current": 4000,
        "total": 8000,
        "percent": 50,
    }


def test_the_live_view_must_show_one_line_an_image_with_a_sign_for_each_layer() -> None:
    """A layer that is there is full; bytes of all are added up; the line of the service stays one line."""
    lines = Lines()
    for event in _pull_events():
        lines.update(event)
    assert [(line.resource, line.text) for line in lines.all()] == [("web", "Pulling"), ("db", "Error")]
    assert lines.all()[0].transfer == "[⣿⣦] 4kB / 8kB"
    lines.update(ProgressEvent("bbbb", Progress.DONE, "Pull complete", is_image=True, parent="web"))
    assert lines.all()[0].transfer == "[⣿⣿] 8kB / 8kB"
