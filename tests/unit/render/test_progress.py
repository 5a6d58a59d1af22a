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


def test_the_live_view_must_show_an_image_with_a_sign_for_each_layer() -> None:
    """A layer that is there is full; bytes of all are added up; the layers stand below, until all is there."""
    lines = Lines()
    for event in _pull_events():
        lines.update(event)
    web, db = lines.all()
    assert [(line.resource, line.text) for line in (web, db)] == [("web", "Pulling"), ("db", "Error")]
    assert web.transfer(80) == "[⣿⣦] 4kB / 8kB"
    assert [line.resource for line in lines.fitting(9)] == ["web", "aaaa", "bbbb", "db"]
    assert web.layers[1].transfer(80) == "4kB / 8kB"
    assert (lines.finished, len(lines)) == (2, 4)
    lines.update(ProgressEvent("bbbb", Progress.DONE, "Pull complete", is_image=True, parent="web"))
    assert lines.all()[0].transfer(80) == "[⣿⣿] 8kB / 8kB"
    lines.update(ProgressEvent("web", Progress.DONE, "Pulled", time_s=3.0, is_image=True))
    assert [line.resource for line in lines.fitting(9)] == ["web", "db"]
    assert (lines.finished, len(lines)) == (4, 4)


def _many_layers(count: int) -> Lines:
    """An image of which half the layers are there, two are on their way, and the rest wait."""
    lines = Lines()
    lines.update(ProgressEvent("db", Progress.DONE, "Pulled", time_s=1.0, is_image=True))
    lines.update(ProgressEvent("web", Progress.WORKING, "Pulling", time_s=1.0, is_image=True))
    for number in range(count):
        name, is_there, moves = f"layer{number:03}", number < count // 2, number < count // 2 + 2
        lines.update(
            ProgressEvent(
                name,
                Progress.DONE if is_there else Progress.WORKING,
                "Pull complete" if is_there else "Downloading" if moves else "Waiting",
                is_image=True,
                parent="web",
                current_bytes=500 if moves else 0,
                total_bytes=1000 if moves else 0,
            )
        )
    return lines


def test_many_layers_must_not_push_what_happens_off_the_terminal() -> None:
    """Layers that are done go first, then those that wait, then images that are done; what moves stays."""
    lines = _many_layers(40)
    assert len(lines.fitting(100)) == 42
    shown = [line.resource for line in lines.fitting(10)]
    assert shown[:4] == ["db", "web", "layer020", "layer021"]
    assert len(shown) == 10
    assert [line.resource for line in lines.fitting(3)] == ["web", "layer020", "layer021"]
    assert [line.resource for line in lines.fitting(1)] == ["web"]


@pytest.mark.parametrize("width", [24, 40, 60, 100, 200])
def test_a_pull_must_fit_any_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is wrapped; the bytes stay in sight, and a sign stands for several layers where there is no room."""
    monkeypatch.setenv("COLUMNS", str(width))
    web = _many_layers(120).all()[1]
    text = tty.drawn(web, 9.0, resource_width=3, total_width=width).plain
    assert len(text) <= width
    assert web.layers[60].transfer(0) == "500B / 1kB"
    if width >= 60:
        assert "31kB / 62kB" in text
        assert "⣿" in text
    assert len(tty.drawn(web.layers[60], 9.0, resource_width=3, total_width=width).plain) <= width
