"""Ctrl-C on a terminal: once stops the project in order, twice kills it."""

import json
import time

import pytest

from tests.support.cli import Cli

PATIENT = """
name: shop
services:
  web:
    image: busybox
    command: ["sh", "-c", "trap 'echo stopping; exit 0' TERM; echo ready; while true; do sleep 0.1; done"]
"""
STUBBORN = """
name: shop
services:
  web:
    image: busybox
    command: ["sh", "-c", "trap 'echo not yet' TERM; echo ready; while true; do sleep 0.1; done"]
    stop_grace_period: 60s
"""
CTRL_C = "\x03"


def _states(cli: Cli) -> list[tuple[str, int]]:
    lines = cli.run("ps", "-a", "--format", "json").stdout.splitlines()
    return [(row["State"], row["ExitCode"]) for row in map(json.loads, lines)]


@pytest.mark.usefixtures("busybox")
def test_one_ctrl_c_must_stop_the_project_and_show_its_last_words(cli: Cli):
    """The services get their stop signal and time; the containers stay, as with docker compose."""
    cli.write(PATIENT)
    with cli.on_terminal("up") as terminal:
        terminal.wait_for("ready")
        terminal.type(CTRL_C)
        assert terminal.wait(20) in {0, 130}
        assert "stopping" in terminal.shown
    assert _states(cli) == [("exited", 0)]
    cli.run("down", "-t", "0")


@pytest.mark.usefixtures("busybox")
def test_a_second_ctrl_c_must_not_wait_for_a_stubborn_service(cli: Cli):
    """The second one kills: nobody has to sit through a grace period of a minute."""
    cli.write(STUBBORN)
    with cli.on_terminal("up") as terminal:
        terminal.wait_for("ready")
        terminal.type(CTRL_C)
        terminal.wait_for("not yet")
        begun = time.monotonic()
        terminal.type(CTRL_C)
        assert terminal.wait(20) in {0, 130}
        assert time.monotonic() - begun < 5
    assert _states(cli) == [("exited", 137)]
    cli.run("down", "-t", "0")


@pytest.mark.usefixtures("busybox")
def test_ctrl_c_while_an_up_is_still_waiting_must_leave_a_project_that_down_removes(cli: Cli):
    """Interrupted before everything is started: no traceback, and no leftovers after `down`."""
    cli.write(
        """
        name: shop
        services:
          db:
            image: busybox
            command: sleep 1000
            stop_grace_period: 1s
            healthcheck: {test: ["CMD", "false"], interval: 1s, retries: 100}
          web: {image: busybox, command: sleep 1000, depends_on: {db: {condition: service_healthy}}}
        """
    )
    with cli.on_terminal("up") as terminal:
        terminal.wait_for("shop-db-1")
        time.sleep(0.5)
        terminal.type(CTRL_C)
        assert terminal.wait(20) != 0
        assert "Traceback" not in terminal.shown
    cli.run("down", "-t", "0")
