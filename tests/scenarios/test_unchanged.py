"""A second `up -d` is quick when nothing has changed, and sees whatever has."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli, wait_until

PROJECT = """
name: shop
services:
  web:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    environment: {COLOUR: "${COLOUR:-red}", LEVEL: "${LEVEL:-1}"}
    env_file: [web.env]
    secrets: [token]
secrets: {token: {file: token.txt}}
"""


@pytest.fixture
def shop(cli: Cli, busybox: str) -> Iterator[Cli]:
    """Return the project's folder, up, with its note written."""
    cli.write(PROJECT)
    cli.write("SIZE=1\n", "web.env")
    cli.write("secret", "token.txt")
    cli.run("up", "-d")
    yield cli
    cli.run("down", "-t", "0", "-v")


def _container(shop: Cli) -> str:
    return str(json.loads(shop.run("ps", "--format", "json").stdout)["ID"])


def test_an_up_without_a_change_must_load_no_model(shop: Cli):
    """The note answers: neither pydantic nor networkx is imported, and the words are the same."""
    before = _container(shop)
    environment = {"PYTHONPROFILEIMPORTTIME": "1"}
    shop.run("up", "-d", environment=environment)  # another environment: the whole way, and a new note
    again = shop.run("up", "-d", environment=environment)
    assert " Container shop-web-1  Running" in again.stderr
    assert "pydantic" not in again.stderr
    assert "networkx" not in again.stderr
    assert _container(shop) == before


CHANGES: dict[str, Callable[[Cli], object]] = {
    "the file": lambda shop: shop.write(PROJECT.replace("sleep 1000", "sleep 2000")),
    "an override that was not there": lambda shop: shop.write(
        "services: {web: {environment: {NEW: x}}}", "compose.override.yaml"
    ),
    "the .env": lambda shop: shop.write("COLOUR=blue\n", ".env"),
    "an env_file": lambda shop: shop.write("SIZE=2\n", "web.env"),
    "a secret": lambda shop: shop.write("other", "token.txt"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_must_be_seen(shop: Cli, change: str):
    """Whatever the container is made of recreates it when it changes."""
    before = _container(shop)
    CHANGES[change](shop)
    shop.run("up", "-d")
    assert _container(shop) != before


def test_a_variable_of_the_shell_must_be_seen(shop: Cli):
    """The environment counts, for values that the file takes from it."""
    before = _container(shop)
    shop.run("up", "-d", environment={"LEVEL": "2"})
    assert _container(shop) != before


def test_another_image_of_the_same_name_must_be_seen(shop: Cli, busybox_tar: Path):
    """An import under the same name recreates what runs on the old one."""
    before = _container(shop)
    shop.run("image", "import", "-c", "ENV NEW=1", str(busybox_tar), "busybox:latest")
    shop.run("up", "-d")
    assert _container(shop) != before


def test_a_pipe_must_be_read_once(shop: Cli):
    """`--env-file <(…)` gives its content to the first who asks, which has to be enough; nothing is noted of it."""
    for colour in ("blue", "green"):
        reader, writer = os.pipe()
        with os.fdopen(reader, "rb"), os.fdopen(writer, "w") as pipe:
            pipe.write(f"COLOUR={colour}\n")
            pipe.close()
            shop.run("--env-file", f"/proc/{os.getpid()}/fd/{reader}", "up", "-d")
        assert f"COLOUR={colour}" in shop.run("exec", "web", "env").stdout


def test_a_stopped_container_must_be_started(shop: Cli):
    """A note is good only while everything runs."""
    shop.run("stop", "-t", "0")
    assert "Started" in shop.run("up", "-d").stderr
    shop.run("ps", "-q")
    assert _container(shop)


def test_a_dead_supervisor_must_not_hide_a_dead_container(shop: Cli):
    """Keeper and supervisor are killed, then the container: `ps` and `up` see what is, not what was."""
    for process in _pair(shop):
        os.kill(process, signal.SIGKILL)
    os.kill(_host_pid(shop), signal.SIGKILL)
    wait_until(lambda: shop.run("ps", "-q").stdout == "")
    assert "Started" in shop.run("up", "-d").stderr
    assert _container(shop)


def _host_pid(shop: Cli) -> int:
    """Find the container's process: the one with the secret's mount and our command."""
    return next(each for each in _processes() if _arguments(each) == ["sleep", "1000"] and _is_of(each, shop))


def _is_of(pid: int, shop: Cli) -> bool:
    return str(shop.folder.parent / "state") in Path(f"/proc/{pid}/mountinfo").read_text()


def _pair(shop: Cli) -> list[int]:
    run = str(shop.folder.parent / "run")
    return [each for each in _processes() if _arguments(each)[-1:] == [run]]


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except (OSError, UnicodeDecodeError):
        return []
