"""The examples that are built from Dockerfiles, on a base image made from packages: no registry is asked."""

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

BUILD_S = 500.0
"""Debian's npm alone is four hundred packages."""


def _visit(name: str, port: int) -> str:
    """Visit an example as `make demo` does; return what was said."""
    done = subprocess.run(
        [sys.executable, ROOT / f"examples/{name}/visit.py"],
        env=os.environ | {"PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.debian
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "service", "source", "stays", "kept"),
    [
        (
            "nginx-flask-postgres",
            "app",
            "app/app.py",
            ("exec", "-T", "db", "psql", "-U", "guestbook", "-Atc", "select count(*) from notes"),
            "1\n",
        ),
        (
            "react-express-redis",
            "app",
            "app/server.js",
            ("exec", "-T", "redis", "redis-cli", "hget", "votes", "tea"),
            "1\n",
        ),
    ],
)
def test_an_example_must_be_built_answer_and_keep_its_data(
    tmp_path: Path, debian_base: Path, name: str, service: str, source: str, stays: tuple[str, ...], kept: str
):
    """Built by `up`, visited, taken down and up again with its data; a change of one file recreates one service."""
    folder = Path(shutil.copytree(ROOT / "examples" / name, tmp_path / name))
    port = free_port()
    environment = {"PORT": str(port)}
    cli = Cli(folder)
    cli.run("image", "load", "-i", str(debian_base))
    cli.run("up", "-d", "--wait", environment=environment, timeout=BUILD_S)
    _visit(name, port)
    cli.run("down", environment=environment)

    started = time.monotonic()
    cli.run("build", "-q", environment=environment)
    assert time.monotonic() - started < 20, "a build of what is in the cache takes no time"

    cli.run("up", "-d", "--wait", environment=environment)
    assert cli.run(*stays, environment=environment).stdout == kept
    with (folder / source).open("a") as file:
        file.write("\n")
    again = cli.run("--progress", "plain", "up", "-d", "--wait", "--build", environment=environment)
    recreated = {line.split()[1] for line in again.stderr.splitlines() if line.endswith("Recreated")}
    assert recreated == {f"{name}-{service}-1"}
    _visit(name, port)
    cli.run("down", "--volumes", environment=environment)
