"""Durations, sizes, ports, tables, templates: literal output of docker and docker compose."""

import pytest

from compose.errors import ProjectError
from compose.render.duration import human_duration, human_size
from compose.render.images import repository_and_tag
from compose.render.mode import choose_progress, has_colour
from compose.render.ports import Publisher, displayable_ports
from compose.render.table import table
from compose.render.template import formatted
from compose.render.text import ellipsis, escaped, middle_ellipsis

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (59 * MINUTE, "59 minutes"),
        (HOUR, "About an hour"),
        (89 * MINUTE, "About an hour"),
        (90 * MINUTE, "2 hours"),
        (47 * HOUR, "47 hours"),
        (48 * HOUR, "2 days"),
        (13 * DAY, "13 days"),
        (14 * DAY, "2 weeks"),
        (59 * DAY, "8 weeks"),
        (60 * DAY, "2 months"),
        (729 * DAY, "24 months"),
        (730 * DAY, "2 years"),
        (-5, "Less than a second"),
    ],
)
def test_durations_must_be_worded_as_docker_does(seconds: float, text: str) -> None:
    """The borders of go-units' HumanDuration."""
    assert human_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (999, "999B"), (2026471, "2.03MB"), (1_500, "1.5kB"), (123_456_789, "123MB")]
)
def test_sizes_must_have_three_digits(size: int, text: str) -> None:
    """As in `docker images`."""
    assert human_size(size) == text


def test_ports_must_be_grouped_as_docker_compose_groups_them() -> None:
    """Equal ports as ranges first, then the mappings; this order was seen on docker compose 2.26."""
    publishers = [
        Publisher(80, "0.0.0.0", 8080),
        Publisher(80, "::", 8080),
        *(Publisher(port, "127.0.0.1", port) for port in (9000, 9001, 9002)),
        Publisher(53, "0.0.0.0", 53, "udp"),
        Publisher(53, "::", 53, "udp"),
    ]
    assert displayable_ports(publishers) == (
        "0.0.0.0:53->53/udp, [::]:53->53/udp, 127.0.0.1:9000-9002->9000-9002/tcp,"
        " 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"
    )


def test_exposed_ports_must_be_shown_without_a_host() -> None:
    """`5432/tcp`; a hole ends a range."""
    assert displayable_ports([Publisher(5432)]) == "5432/tcp"
    assert displayable_ports([Publisher(port) for port in (1, 2, 3, 7)]) == "1-3/tcp, 7/tcp"
    assert displayable_ports([]) == ""


def test_a_table_must_be_laid_out_as_tabwriter_does() -> None:
    """Columns of at least ten; the last one is not padded, those before it are even where it is empty."""
    rows = [("NAME", "IMAGE", "PORTS"), ("shop-web-1", "busybox", "80/tcp"), ("shop-job-1", "busybox", "")]
    assert table(rows) == ("NAME         IMAGE     PORTS\nshop-web-1   busybox   80/tcp\nshop-job-1   busybox   \n")


def test_an_empty_table_must_still_have_its_heading() -> None:
    """As `ps` without containers."""
    heading = ("NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS")
    assert table([heading]) == "NAME      IMAGE     COMMAND   SERVICE   CREATED   STATUS    PORTS\n"


ROWS = [
    {"Name": "web-1", "State": "running", "Publishers": [1]},
    {"Name": "db-1", "State": "exited", "Publishers": None},
]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.Name}}", "web-1\ndb-1\n"),
        ("{{ .Name }}: {{upper .State}}", "web-1: RUNNING\ndb-1: EXITED\n"),
        ("{{json .Publishers}}", "[1]\nnull\n"),
        (r"table {{.Name}}\t{{.State}}", "NAME      STATE\nweb-1     running\ndb-1      exited\n"),
    ],
)
def test_templates_must_give_one_line_a_row(template: str, text: str) -> None:
    """The templates that scripts use."""
    assert formatted(template, ROWS) == text


@pytest.mark.parametrize("template", ["{{.Nope}}", "{{range .}}x{{end}}"])
def test_a_template_that_cannot_be_filled_must_say_so(template: str) -> None:
    """Rather than print it as it is."""
    with pytest.raises(ProjectError, match="--format"):
        formatted(template, ROWS)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("busybox", ("busybox", "latest")),
        ("localhost:5000/a/b:1.2", ("localhost:5000/a/b", "1.2")),
        ("localhost:5000/a", ("localhost:5000/a", "latest")),
        ("a@sha256:00", ("a", "<none>")),
    ],
)
def test_references_must_split_at_the_tag(reference: str, parts: tuple[str, str]) -> None:
    """A port is no tag."""
    assert repository_and_tag(reference) == parts


def test_names_must_not_reach_the_terminal_with_control_characters() -> None:
    """A name cannot move the cursor."""
    assert escaped("a\x1b[2Jb\n") == r"a\x1b[2Jb\n"
    assert escaped("größe \N{NO-BREAK SPACE}") == "größe \N{NO-BREAK SPACE}"
    assert escaped("a\u202ecod.exe\udcff\u2028") == r"a\u202ecod.exe\udcff\u2028"


def test_an_ellipsis_must_count_as_a_character() -> None:
    """docker's Ellipsis(20)."""
    assert ellipsis("sh -c 'echo hello from web'", 20) == "sh -c 'echo hello f…"


class _Stream:
    def __init__(self, *, terminal: bool) -> None:
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("wanted", "ansi", "terminal", "mode"),
    [
        ("auto", "auto", True, "tty"),
        ("auto", "auto", False, "plain"),
        ("auto", "never", True, "plain"),
        ("tty", "auto", False, "tty"),
        ("quiet", "auto", True, "quiet"),
        ("json", "auto", True, "json"),
    ],
)
def test_progress_mode_must_follow_flag_and_terminal(
    wanted: str, ansi: str, terminal: bool, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`auto` looks at the stream."""
    monkeypatch.setenv("TERM", "xterm")
    assert choose_progress(wanted, ansi, _Stream(terminal=terminal)) == mode  # type: ignore[arg-type]


def test_no_color_must_be_obeyed_unless_ansi_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://no-color.org; a flag beats the variable."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colour("auto", _Stream(terminal=True))  # type: ignore[arg-type]
    assert has_colour("always", _Stream(terminal=False))  # type: ignore[arg-type]


def test_the_middle_of_a_long_name_must_go_first() -> None:
    """Replicas differ at the end, kinds of resources at the beginning."""
    assert middle_ellipsis("Container shop-web-12", 12) == "Conta…web-12"
    assert middle_ellipsis("Container shop-web-12", 13) == "Contai…web-12"
    assert middle_ellipsis("short", 5) == "short"
