"""A project that is in a git repository, from `up` to `down`."""

from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.git import IDENTITY, Repository

pytestmark = pytest.mark.usefixtures("busybox")

SHOP = """
services:
  web:
    image: busybox
    command: ["sh", "-c", "cat /page; exec sleep 1000"]
    volumes: ["./page:/page:ro"]
    environment: {VERSION: "1"}
    stop_grace_period: 0s
"""


def test_a_project_must_run_from_a_repository_and_follow_its_branch(cli: Cli, tmp_path: Path) -> None:
    """`up` says which commit it is, and follows the branch; its files are mounted; every command takes the URL."""
    repository = Repository(tmp_path / "shop.git")
    repository.commit({"compose.yaml": SHOP, "page": "one\n"})
    environment = {**IDENTITY, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    url = ("-p", "shop", "-f", f"{repository.url}#main")
    told = cli.run(*url, "up", "-d", environment=environment).stderr
    assert f"{repository.url}#main is in {tmp_path}/cache/pycompose/git/{repository.git('rev-parse', 'HEAD')}\n" in told
    assert "Running" in cli.run(*url, "up", "-d", environment=environment).stderr
    assert cli.run(*url, "exec", "web", "cat", "/page", environment=environment).stdout == "one\n"
    repository.commit({"compose.yaml": SHOP.replace('"1"', '"2"'), "page": "two\n"})
    assert "Recreated" in cli.run(*url, "up", "-d", environment=environment).stderr
    assert cli.run(*url, "exec", "web", "cat", "/page", environment=environment).stdout == "two\n"
    assert cli.run(*url, "ps", "--services", environment=environment).stdout == "web\n"
    cli.run(*url, "down", environment=environment)
    assert cli.run("ls", "-a", "-q").stdout == ""
