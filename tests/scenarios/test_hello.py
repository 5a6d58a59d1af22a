"""The example that needs nothing: two services on the machine's own programs."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.ports import free_port
from tests.support.sources import ROOT


@pytest.fixture
def hello(tmp_path: Path) -> Cli:
    """Return the command line in a copy of the example."""
    return Cli(Path(shutil.copytree(ROOT / "examples/hello", tmp_path / "hello")))


def test_hello_must_come_up_answer_and_go_without_a_trace(hello: Cli):
    """`up --wait`, the published port, the name `web` from another service, `down`."""
    environment = {"PORT": str(free_port())}
    begun = time.monotonic()
    hello.run("up", "-d", "--wait", environment=environment)
    # Well under a second by itself; the bound leaves room for a machine that is busy with other things.
    assert time.monotonic() - begun < 10
    visit = [sys.executable, hello.folder / "visit.py"]
    subprocess.run(visit, env=os.environ | environment, check=True, timeout=20)
    hello.run("exec", "visitor", "python3", "-c", "import socket; socket.gethostbyname('web')", environment=environment)
    assert "web answers: 200" in hello.run("logs", "visitor", environment=environment).stdout
    hello.run("down", "-t", "1", environment=environment)
    assert hello.run("ps", "-a", "-q", environment=environment).stdout == ""


def test_nothing_of_the_machine_but_its_programs_must_show(hello: Cli):
    """The image `host` shares /usr, read-only, and the interpreter; not the machine's /root, /home or /var."""
    environment = {"PORT": str(free_port())}
    interpreter = Path(sys.base_prefix).parts[:3][-1]
    script = "ls -A /root /home /var/lib/dpkg 2>/dev/null; touch /usr/x 2>/dev/null && echo written; hostname"
    shown = hello.run("run", "--rm", "--no-deps", "-T", "web", "sh", "-c", script, environment=environment)
    lines = [line for line in shown.stdout.splitlines() if line and not line.endswith(":")]
    *seen, hostname = lines
    assert set(seen) <= {interpreter}
    assert hostname != os.uname().nodename
    hello.run("down", environment=environment)
