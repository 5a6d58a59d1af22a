"""`ps`, `logs`, `port`, `ls`, `events` on a project that runs."""

import json

import pytest

from tests.support.cli import Cli
from tests.support.ports import free_port

pytestmark = pytest.mark.usefixtures("busybox")

SHOP = """
name: shop
services:
  web:
    image: busybox
    command: ["sh", "-c", "echo hello from web; echo oops >&2; printf unterminated; exec sleep 1000"]
    ports: ["127.0.0.1:${PORT}:80"]
    depends_on: [db]
    stop_grace_period: 0s
  db:
    image: busybox
    command: ["sleep", "1000"]
    stop_grace_period: 0s
  job:
    image: busybox
    command: ["sh", "-c", "echo job; exit 3"]
"""


def test_what_runs_must_be_listed_with_docker_composes_columns_and_keys(cli: Cli) -> None:
    """Table and JSON lines, with and without what has ended."""
    environment = {"PORT": str(free_port())}
    cli.write(SHOP)
    cli.run("up", "-d", environment=environment)
    cli.run("wait", "job", code=3, environment=environment)
    heading, *rows = cli.run("ps", environment=environment).stdout.splitlines()
    assert heading.split() == ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"]
    assert [row.split()[0] for row in rows] == ["shop-db-1", "shop-web-1"]
    assert f"127.0.0.1:{environment['PORT']}->80/tcp" in rows[1]
    listed = cli.run("ps", "-a", "--format", "json", environment=environment).stdout.splitlines()
    states = {row["Service"]: (row["State"], row["ExitCode"]) for row in map(json.loads, listed)}
    assert states == {"db": ("running", 0), "job": ("exited", 3), "web": ("running", 0)}
    assert cli.run("ps", "--services", "--status", "exited", environment=environment).stdout == "job\n"
    assert cli.run("port", "web", "80", environment=environment).stdout == f"127.0.0.1:{environment['PORT']}\n"
    assert "running(2)" in cli.run("ls", environment=environment).stdout
    assert "exited(1), running(2)" in cli.run("ls", "-a", environment=environment).stdout
    cli.run("ps", "nosuch", code=1, environment=environment)
    cli.run("down", environment=environment)


def test_every_line_must_be_logged_once_also_the_unterminated_one(cli: Cli) -> None:
    """With prefixes, without, in the order of time, and the last lines only."""
    environment = {"PORT": str(free_port())}
    cli.write(SHOP)
    cli.run("up", "-d", environment=environment)
    cli.run("wait", "job", code=3, environment=environment)
    cli.run("stop", environment=environment)
    lines = cli.run("logs", environment=environment).stdout.splitlines()
    assert sorted(lines) == ["job-1  | job", "web-1  | hello from web", "web-1  | oops", "web-1  | unterminated"]
    assert cli.run("logs", "--no-log-prefix", "job", environment=environment).stdout == "job\n"
    assert cli.run("logs", "-n", "1", "--no-log-prefix", "web", environment=environment).stdout == "unterminated\n"
    stamped = cli.run("logs", "-t", "job", environment=environment).stdout
    when = stamped.split()[2]
    assert cli.run("logs", "--since", when, "job", environment=environment).stdout == "job-1  | job\n"
    assert cli.run("logs", "--until", when, "job", environment=environment).stdout == "job-1  | job\n"
    assert cli.run("logs", "--since", "0s", "job", environment=environment).stdout == ""
    cli.run("down", environment=environment)


def test_following_must_go_on_over_a_restart_and_end_with_the_container(cli: Cli) -> None:
    """`logs -f` shows what comes, the exits, and what a container that is started again prints."""
    cli.write("""
name: shop
services:
  web:
    image: busybox
    command: ["sh", "-c", "echo started; trap 'exit 0' TERM; while true; do sleep 0.1; done"]
  other:
    image: busybox
    command: ["sleep", "1000"]
    stop_grace_period: 0s
""")
    cli.run("up", "-d")
    with cli.on_terminal("logs", "-f", "--no-color") as terminal:
        terminal.wait_for("web-1    | started")
        cli.run("restart", "-t", "5", "web")
        terminal.wait_for("web-1 exited with code 0")
        cli.run("stop", "-t", "5")
        assert terminal.wait(10) == 0
    assert terminal.shown.count("web-1 exited with code 0") == 2
    assert terminal.shown.count("web-1    | started") == 2
    cli.run("down")


def test_events_must_be_told_in_order(cli: Cli) -> None:
    """As JSON lines with docker compose's keys."""
    environment = {"PORT": str(free_port())}
    cli.write(SHOP)
    cli.run("up", "-d", "job", environment=environment)
    cli.run("wait", "job", code=3, environment=environment)
    lines = cli.run("events", "--json", "--since", "1m", "--until", "0s", environment=environment).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert set(events[0]) == {"time", "type", "service", "id", "action", "attributes"}
    assert [event["action"] for event in events] == ["create", "start", "die"]
    assert events[-1]["attributes"]["exitCode"] == "3"
    cli.run("down", environment=environment)
