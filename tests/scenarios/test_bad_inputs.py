"""What a user gets wrong, and what pycompose says: an exit code, the place in the file, and nothing half done."""

import socket
from dataclasses import dataclass

import pytest

from tests.support.cli import Cli, Finished


@dataclass(frozen=True)
class Mistake:
    """A file, the exit code it ends with, and what the message has to contain."""

    text: str
    code: int
    says: tuple[str, ...]
    at: str = ""
    """line:column, where the file is to blame."""


IN_THE_FILE = {
    "invalid YAML": Mistake("services:\n  web:\n    image: [busybox\n", 15, ("yaml", "`[` is not closed"), "3:12"),
    "a tab as indentation": Mistake("services:\n\tweb: {image: busybox}\n", 15, ("yaml",), "2:1"),
    "unknown key": Mistake(
        "services:\n  web:\n    image: busybox\n    comand: sleep 1\n", 15, ("comand", "`command`"), "4:5"
    ),
    "wrong type": Mistake("services:\n  web:\n    image: busybox\n    ports: 80\n", 15, ("ports",), "4:12"),
    "cycle": Mistake(
        "services:\n"
        "  a: {image: busybox, depends_on: [b]}\n"
        "  b: {image: busybox, depends_on: [c]}\n"
        "  c: {image: busybox, depends_on: [a]}\n",
        15,
        ("a", "b", "c", "->"),
        "2:",
    ),
    "undefined service": Mistake(
        "services:\n  web:\n    image: busybox\n    depends_on:\n      - bd\n", 15, ("web", "bd"), "5:9"
    ),
    "undefined volume": Mistake(
        "services:\n  web:\n    image: busybox\n    volumes:\n      - data:/data\n", 15, ("data",), "5:9"
    ),
    "undefined network": Mistake(
        "services:\n  web:\n    image: busybox\n    networks: [back]\n", 15, ("back",), "4:16"
    ),
    "required variable": Mistake(
        "services:\n  web:\n    image: busybox:${TAG:?set TAG to a version}\n",
        15,
        ("TAG", "set TAG to a version"),
        "3:20",
    ),
    "malformed variable": Mistake("services:\n  web:\n    image: busybox:${TAG\n", 15, ("${TAG",), "3:20"),
    "unknown restart policy": Mistake(
        "services:\n  web:\n    image: host\n    restart: allways\n", 1, ("allways", "unless-stopped"), "4:14"
    ),
    "an attribute that is not supported": Mistake(
        "services:\n  web:\n    image: host\n    gpus: all\n", 1, ("gpus", "devices"), "4:11"
    ),
    "a secret without a value": Mistake(
        "services: {web: {image: host, secrets: [s]}}\nsecrets:\n  s:\n    environment: NOT_SET\n",
        1,
        ("NOT_SET",),
        "4:18",
    ),
    "neither image nor build": Mistake("services:\n  web:\n    command: sleep 1\n", 15, ("web", "image"), "2:3"),
}


def _assert_clean(finished: Finished) -> None:
    assert "Traceback" not in finished.stderr, finished.stderr
    assert finished.stderr.strip(), "it failed without a word"


@pytest.mark.parametrize("mistake", IN_THE_FILE.values(), ids=IN_THE_FILE)
def test_a_mistake_in_the_file_must_be_shown_where_it_is(cli: Cli, mistake: Mistake):
    """The message names the file, the line and the column; the exit code is docker compose's."""
    cli.write(mistake.text)
    finished = cli.run("up", "-d", code=mistake.code)
    _assert_clean(finished)
    assert f"compose.yaml:{mistake.at}" in finished.stderr, finished.stderr
    for word in mistake.says:
        assert word.lower() in finished.stderr.lower(), finished.stderr
    assert cli.run("ls", "-a", "-q").stdout == ""


def test_no_file_must_be_said_with_where_it_was_looked_for(cli: Cli):
    """Exit code 14, as docker compose has it."""
    finished = cli.run("up", "-d", code=14)
    _assert_clean(finished)
    assert "compose.yaml" in finished.stderr


def test_an_unknown_command_or_flag_must_end_with_16(cli: Cli):
    """A typing error on the command line never touches a project."""
    cli.write("services: {web: {image: busybox}}")
    for arguments in (("upp",), ("up", "--detached"), ("ps", "nosuchservice", "--nosuchflag")):
        _assert_clean(cli.run(*arguments, code=16))


@pytest.mark.usefixtures("busybox")
def test_an_unknown_service_must_be_named(cli: Cli):
    """`no such service`, and nothing is started."""
    cli.write("name: shop\nservices: {web: {image: busybox, command: sleep 100}}")
    finished = cli.run("up", "-d", "wbe", code=1)
    _assert_clean(finished)
    assert "no such service" in finished.stderr
    assert "wbe" in finished.stderr
    assert cli.run("ps", "-aq").stdout == ""


@pytest.mark.usefixtures("busybox")
def test_a_port_in_use_must_be_told_before_anything_is_made(cli: Cli):
    """The message names the port and who has it; no container, no network, no volume exists afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        cli.write(
            f"name: shop\nservices:\n  db: {{image: busybox, command: sleep 100, volumes: ['rows:/rows']}}\n"
            f"  web: {{image: busybox, command: sleep 100, ports: ['127.0.0.1:{port}:80']}}\nvolumes: {{rows: }}\n"
        )
        finished = cli.run("up", "-d", code=1)
    _assert_clean(finished)
    assert str(port) in finished.stderr
    assert "python" in finished.stderr, finished.stderr
    assert cli.run("ps", "-aq").stdout == ""
    assert cli.run("volumes", "-q").stdout == ""


@pytest.mark.usefixtures("busybox")
def test_a_port_of_another_project_must_be_told_with_its_container(cli: Cli):
    """The holder is a container of ours: its name is what helps."""
    text = "services: {web: {image: busybox, command: sleep 100, ports: ['127.0.0.1:43817:80']}}"
    cli.write(text)
    cli.run("-p", "first", "up", "-d")
    finished = cli.run("-p", "second", "up", "-d", code=1)
    assert "first-web-1" in finished.stderr, finished.stderr
    assert cli.run("-p", "second", "ps", "-aq").stdout == ""
    cli.run("-p", "first", "down", "-t", "0")


def test_an_unknown_image_must_be_told_before_anything_is_made(cli: Cli):
    """Where nobody may be asked for it, the message says how an image comes here."""
    cli.write("name: shop\nservices: {web: {image: 'nosuch:1', pull_policy: never, command: sleep 100}}")
    finished = cli.run("up", "-d", code=1)
    _assert_clean(finished)
    assert "nosuch:1" in finished.stderr
    assert cli.run("ps", "-aq").stdout == ""
    assert cli.run("ls", "-aq").stdout == ""
    cli.run("down", "-t", "0")


@pytest.mark.parametrize(
    ("command", "code"),
    [("/bin/nosuchprogram", 127), ("/etc/passwd", 126), ("/etc", 126)],
    ids=["absent", "text", "folder"],
)
@pytest.mark.usefixtures("busybox")
def test_a_command_that_cannot_run_must_end_with_the_shells_code(cli: Cli, command: str, code: int):
    """127 not found, 126 not executable: for `up` in the container's record, for `run` and `exec` as their own code."""
    cli.write(
        f"name: shop\nservices:\n  web: {{image: busybox, command: ['{command}']}}\n"
        "  ok: {image: busybox, command: sleep 100}\n"
    )
    started = cli.run("up", "-d", "web", code=None)
    assert started.code != 0
    assert command in started.stderr
    _assert_clean(started)
    assert cli.run("run", "--rm", "-T", "web", code=code).stderr
    cli.run("up", "-d", "ok")
    finished = cli.run("exec", "-T", "ok", command, code=code)
    assert command in finished.stderr
    cli.run("down", "-t", "0")
