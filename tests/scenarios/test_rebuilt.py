"""A second `up -d --build` builds, and is quick about the rest when the build changes nothing."""

from collections.abc import Iterator

import pytest

from tests.support.cli import Cli, Finished

pytestmark = pytest.mark.usefixtures("busybox")

PROJECT = """
name: shop
services:
  web:
    build:
      context: ./web
      args: {COLOUR: "${COLOUR:-red}"}
    command: sleep 1000
    network_mode: none
    stop_grace_period: 0s
"""
DOCKERFILE = "FROM busybox\nARG COLOUR\nRUN echo $COLOUR >/colour\nCOPY page /\n"
IMPORTS = {"PYTHONPROFILEIMPORTTIME": "1"}
BUILDS = "load build definition"


@pytest.fixture
def shop(cli: Cli) -> Iterator[Cli]:
    """A project with files to build from."""
    cli.write(PROJECT)
    cli.write(DOCKERFILE, "web/Dockerfile")
    cli.write("one\n", "web/page")
    yield cli
    cli.run("down", "-t", "0")


def _up(shop: Cli, *flags: str) -> Finished:
    return shop.run("up", "-d", *flags, environment=IMPORTS)


def _container(shop: Cli) -> str:
    return shop.run("ps", "-q").stdout.strip()


def test_a_build_that_changes_nothing_must_leave_it_at_that(shop: Cli):
    """Nothing is loaded, and the words are those of the whole way."""
    _up(shop, "--build")
    before = _container(shop)
    again = _up(shop, "--build")
    assert "pydantic" not in again.stderr
    assert "networkx" not in again.stderr
    assert again.stderr.count(BUILDS) == 1
    assert "CACHED" in again.stderr
    assert " web  Built" in again.stderr
    assert " Container shop-web-1  Running" in again.stderr
    assert _container(shop) == before


def test_a_changed_context_must_be_built_once_and_run(shop: Cli):
    """By the note, then the whole way without building again; the next one is quick."""
    _up(shop, "--build")
    before = _container(shop)
    shop.write("two\n", "web/page")
    changed = _up(shop, "--build")
    assert changed.stderr.count(BUILDS) == 1
    assert "Container shop-web-1  Recreated" in changed.stderr
    assert _container(shop) != before
    assert shop.run("exec", "web", "cat", "/page").stdout == "two\n"
    assert "pydantic" not in _up(shop, "--build").stderr


def test_a_changed_project_must_be_seen(shop: Cli):
    """Another argument, from the file or its `.env`."""
    _up(shop, "--build")
    shop.write("COLOUR=blue\n", ".env")
    assert _up(shop, "--build").stderr.count(BUILDS) == 1
    assert shop.run("exec", "web", "cat", "/colour").stdout == "blue\n"


def test_a_failing_build_must_end_the_command_and_nothing_else(shop: Cli):
    """With the line of the Dockerfile; what runs, runs on."""
    _up(shop, "--build")
    before = _container(shop)
    shop.write(DOCKERFILE + "RUN false\n", "web/Dockerfile")
    failed = shop.run("up", "-d", "--build", environment=IMPORTS, code=1)
    assert "--> web/Dockerfile:5:1" in failed.stderr
    assert "Running" not in failed.stderr
    assert _container(shop) == before


def test_a_policy_to_build_must_be_heeded_each_time(shop: Cli):
    """`pull_policy: build` and `--pull build` build without `--build`: a changed file is seen."""
    shop.write(PROJECT.replace("build:\n", "pull_policy: build\n    build:\n", 1))
    for page in ("one\n", "two\n"):
        shop.write(page, "web/page")
        _up(shop)
        assert shop.run("exec", "web", "cat", "/page").stdout == page
    shop.write(PROJECT)
    for page in ("three\n", "four\n"):
        shop.write(page, "web/page")
        _up(shop, "--pull", "build")
        assert shop.run("exec", "web", "cat", "/page").stdout == page


def test_a_quiet_build_must_be_quiet_by_the_note_too(shop: Cli):
    """`--quiet-build` shows the containers alone."""
    _up(shop, "--build", "--quiet-build")
    again = _up(shop, "--build", "--quiet-build")
    assert "pydantic" not in again.stderr
    assert "web  Built" not in again.stderr
    assert " Container shop-web-1  Running" in again.stderr
