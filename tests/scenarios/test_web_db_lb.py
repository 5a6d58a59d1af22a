"""The example of the README: a load balancer, two replicas, a database on a volume."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.cli import Cli, Finished, wait_until
from tests.support.ports import free_port
from tests.support.sources import ROOT

IMAGE = "pycompose-demo:1"


class Stack:
    """The example, up on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self._cli = Cli(folder)
        self.environment = {"PORT": str(free_port())}

    def run(self, *arguments: str, code: int = 0) -> Finished:
        """Run a command."""
        return self._cli.run(*arguments, code=code, environment=self.environment)

    def visit(self) -> dict[str, object]:
        """Fetch the page once."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.environment['PORT']}/", timeout=5) as answer:
            page: dict[str, object] = json.load(answer)
            return page

    def rows(self) -> dict[str, dict[str, object]]:
        """Return what `ps` says, by container name."""
        lines = self.run("ps", "--format", "json").stdout.splitlines()
        return {row["Name"]: row for row in map(json.loads, lines)}


@pytest.fixture
def stack(tmp_path: Path, debian_tar: Path) -> Stack:
    """Return the example with its image imported, not yet up."""
    stack = Stack(Path(shutil.copytree(ROOT / "examples/web-db-lb", tmp_path / "web-db-lb")))
    stack.run("image", "import", str(debian_tar), IMAGE)
    return stack


@pytest.mark.debian
def test_the_example_must_work_from_up_to_down(stack: Stack):
    """Both replicas answer through the load balancer, the counter grows, and goes on after `down` and `up`."""
    stack.run("up", "-d", "--wait")
    assert {row["Health"] for row in stack.rows().values()} == {"healthy"}
    assert sorted(stack.rows()) == ["web-db-lb-db-1", "web-db-lb-lb-1", "web-db-lb-web-1", "web-db-lb-web-2"]
    visit = [sys.executable, ROOT / "examples/web-db-lb/visit.py"]
    subprocess.run(visit, env=os.environ | stack.environment, check=True, timeout=60)
    counted = int(str(stack.visit()["visits"]))

    stack.run("up", "-d", "--scale", "web=3")
    wait_until(lambda: len({stack.visit()["replica"] for _ in range(40)}) == 3)

    stack.run("down")
    stack.run("up", "-d", "--wait")
    assert int(str(stack.visit()["visits"])) > counted
    stack.run("down", "--volumes")


@pytest.mark.debian
def test_services_must_reach_only_what_their_networks_give(stack: Stack):
    """The load balancer does not know the database; the database has the limits and the user of the file."""
    stack.run("up", "-d", "--wait")
    resolve = "import socket, sys\ntry: socket.gethostbyname('db')\nexcept OSError: sys.exit(3)"
    stack.run("exec", "-T", "lb", "python3", "-c", resolve, code=3)
    assert stack.run("exec", "-T", "db", "id", "-un").stdout == "redis\n"
    assert stack.run("exec", "-T", "db", "redis-cli", "ping").stdout == "PONG\n"
    stack.run("down", "--volumes")
