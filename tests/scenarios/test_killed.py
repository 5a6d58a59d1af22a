"""SIGKILL at any moment: the next command finishes the job, and nothing is left behind."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.support import kernel
from tests.support.cli import Cli, wait_until

PROJECT = """
name: shop
services:
  db:
    image: busybox
    command: sh -c 'echo kept > /data/row; exec sleep 1000'
    volumes: ["rows:/data"]
    healthcheck: {test: ["CMD", "test", "-e", "/data/row"], interval: 1s}
  web:
    image: busybox
    command: sh -c 'while true; do date +%s%N; sleep 0.05; done'
    depends_on: {db: {condition: service_healthy}}
    deploy: {replicas: 3}
    networks: [default, back]
networks: {back: {}}
volumes: {rows: {}}
"""
MOMENTS = 6
"""How many points of a command's life are tried, spread evenly over the time it takes undisturbed."""


@pytest.fixture
def shop(cli: Cli, busybox: str) -> Cli:
    """Return the project's folder, not yet up."""
    cli.write(PROJECT)
    return cli


def _statuses(shop: Cli) -> list[str]:
    lines = shop.run("ps", "-a", "--format", "json").stdout.splitlines()
    return sorted(f"{row['Name']} {row['State']}" for row in map(json.loads, lines))


ALL_RUNNING = ["shop-db-1 running", "shop-web-1 running", "shop-web-2 running", "shop-web-3 running"]


def _killed_after(shop: Cli, seconds: float, *arguments: str) -> None:
    """Start a command and kill it, unless it is done by then."""
    started = shop.start(*arguments)
    time.sleep(seconds)
    if started.poll() is None:
        os.kill(started.pid, signal.SIGKILL)
    started.communicate(timeout=20)


def _duration(shop: Cli, *arguments: str) -> float:
    begun = time.monotonic()
    shop.run(*arguments)
    return time.monotonic() - begun


def test_an_up_that_was_killed_must_be_finished_by_the_next_one(shop: Cli):
    """Whatever step the kill hit, the second `up` brings everything up, once."""
    duration = _duration(shop, "up", "-d")
    shop.run("down", "-t", "0")
    for moment in range(1, MOMENTS + 1):
        _killed_after(shop, duration * moment / (MOMENTS + 1), "up", "-d")
        shop.run("up", "-d")
        assert _statuses(shop) == ALL_RUNNING
        shop.run("down", "-t", "0", "--volumes")


def test_an_up_that_was_killed_must_be_undone_by_down(shop: Cli):
    """`down` finds what a killed `up` had made, even if no container was recorded yet."""
    duration = _duration(shop, "up", "-d")
    shop.run("down", "-t", "0")
    for moment in range(1, MOMENTS + 1):
        _killed_after(shop, duration * moment / (MOMENTS + 1), "up", "-d")
        shop.run("down", "-t", "0", "--volumes")
        assert _statuses(shop) == []


def test_a_down_that_was_killed_must_be_finished_by_the_next_one(shop: Cli):
    """Half removed is not an error for the second `down`."""
    shop.run("up", "-d")
    duration = _duration(shop, "down", "-t", "0")
    for moment in range(1, MOMENTS + 1):
        shop.run("up", "-d")
        _killed_after(shop, duration * moment / (MOMENTS + 1), "down", "-t", "0")
        shop.run("down", "-t", "0", "--volumes")
        assert _statuses(shop) == []


def _pair(run: Path) -> dict[str, int]:
    """Return the pids of the project's keeper and supervisor by what they call themselves."""
    found = {}
    for pid in kernel.descendants(os.getpid()):
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            continue
        if name.startswith("pycompose-") and kernel.mentions(pid, str(run).encode()):
            found[name] = pid
    return found


def _pids(shop: Cli) -> list[str]:
    """Return the lines of `top` that show a container's first process, without the time it has used."""
    return sorted(
        " ".join(line.split()[:4]) for line in shop.run("top").stdout.splitlines() if "sleep 0.05" not in line
    )


@pytest.mark.parametrize("victims", ["supervisor", "keeper", "both"])
def test_containers_must_run_on_when_what_watches_them_is_killed(shop: Cli, tmp_path: Path, victims: str):
    """No container notices; logs, exit codes, `exec` and `down` go on working."""
    run = tmp_path / "run"
    shop.run("up", "-d", "--wait")
    pids = _pids(shop)
    pair = _pair(run)
    assert len(pair) == 2, pair
    for name, pid in pair.items():
        if victims == "both" or (victims == "keeper") == name.startswith("pycompose-keep"):
            os.kill(pid, signal.SIGKILL)
    if victims != "both":
        wait_until(lambda: len(_pair(run)) == 2 and _pair(run) != pair, timeout=5)

    assert _statuses(shop) == ALL_RUNNING
    assert shop.run("exec", "-T", "db", "cat", "/data/row").stdout == "kept\n"
    assert _pids(shop) == pids
    lines = len(shop.run("logs", "--no-log-prefix", "--index", "1", "web").stdout.splitlines())
    wait_until(
        lambda: len(shop.run("logs", "--no-log-prefix", "--index", "1", "web").stdout.splitlines()) > lines, timeout=5
    )
    shop.run("kill", "-s", "KILL", "db")
    wait_until(lambda: "shop-db-1 exited" in _statuses(shop), timeout=5)
    shop.run("down", "-t", "0", "--volumes")


def test_no_log_line_must_be_lost_when_the_supervisor_is_killed(shop: Cli, tmp_path: Path):
    """Ten kills while a service counts to ten thousand: every number is there once, in order."""
    counting = "i=0; while [ $$i -lt 10000 ]; do i=$$((i+1)); echo $$i; done; sleep 1000"
    shop.write(f"services: {{count: {{image: busybox, command: [sh, -c, '{counting}']}}}}")
    shop.run("up", "-d")
    for _ in range(10):
        for name, pid in _pair(tmp_path / "run").items():
            if not name.startswith("pycompose-keep"):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    expected = [str(number) for number in range(1, 10001)]
    wait_until(lambda: "\n10000\n" in shop.run("logs", "--no-log-prefix", "count").stdout, timeout=20, step=0.2)
    assert shop.run("logs", "--no-log-prefix", "count").stdout.splitlines() == expected
    shop.run("down", "-t", "0")
