"""A second `build` is quick when its plan would be the same, and sees whatever would make it another one."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli, Finished, wait_until

pytestmark = pytest.mark.usefixtures("busybox")

PROJECT = """
name: shop
services:
  web:
    network_mode: none
    build:
      context: ./web
      args: {COLOUR: "${COLOUR:-red}"}
      secrets: [token]
secrets: {token: {file: token.txt}}
"""
DOCKERFILE = """\
FROM busybox
ARG COLOUR
RUN --mount=type=secret,id=token echo "$COLOUR $(cat /run/secrets/token)" > /said
COPY page /
"""
IMPORTS = {"PYTHONPROFILEIMPORTTIME": "1"}
"""Another environment, and so another question; the interpreter then names on standard error what it imports."""


@pytest.fixture
def shop(cli: Cli) -> Iterator[Cli]:
    """A project whose build was planned before."""
    cli.write(PROJECT)
    cli.write(DOCKERFILE, "web/Dockerfile")
    cli.write("one\n", "web/page")
    cli.write("secret", "token.txt")
    cli.run("build", environment=IMPORTS)
    yield cli
    cli.run("down", "-t", "0")


def _build(shop: Cli, *more: str, **environment: str) -> tuple[bool, Finished]:
    """Build; return whether it was by the kept plan."""
    done = shop.run("build", *more, environment={**IMPORTS, **environment})
    return "compose.loader.pipeline" not in done.stderr, done


def _said(shop: Cli) -> str:
    return shop.run("run", "--rm", "web", "cat", "/said", "/page").stdout


def test_a_build_by_the_kept_plan_must_load_no_project(shop: Cli):
    """Neither models nor graph nor YAML; the words and the image are the same."""
    first = shop.run("build", environment=IMPORTS)
    image = shop.run("image", "inspect", "-f", "{{.Id}}", "shop-web").stdout
    again = shop.run("build", environment=IMPORTS)
    for library in ("pydantic", "networkx", "yaml", "compose.loader.pipeline"):
        assert library not in again.stderr
    assert "#5 CACHED" in again.stdout
    assert again.stdout.splitlines()[-1] == first.stdout.splitlines()[-1] == " web  Built"
    assert shop.run("image", "inspect", "-f", "{{.Id}}", "shop-web").stdout == image


CHANGES: dict[str, Callable[[Cli], object]] = {
    "the file": lambda shop: shop.write(PROJECT.replace("red", "blue")),
    "an override that was not there": lambda shop: shop.write(
        "services: {web: {build: {args: {COLOUR: blue}}}}", "compose.override.yaml"
    ),
    "the .env": lambda shop: shop.write("COLOUR=blue\n", ".env"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_the_plan_is_made_from_must_be_seen(shop: Cli, change: str):
    """The project is loaded again, and the new argument is built with."""
    CHANGES[change](shop)
    by_plan, _ = _build(shop)
    assert not by_plan
    assert _said(shop) == "blue secret\none\n"
    assert _build(shop)[0], "the new plan is kept"


def test_a_variable_and_a_flag_must_be_seen(shop: Cli):
    """Each way of asking has a plan of its own; going back to the first one finds it again."""
    by_plan, _ = _build(shop, COLOUR="green")
    assert not by_plan
    assert _said(shop) == "green secret\none\n"
    by_plan, _ = _build(shop, "--build-arg", "COLOUR=black")
    assert not by_plan
    assert _said(shop) == "black secret\none\n"
    by_plan, _ = _build(shop)
    assert by_plan
    assert _said(shop) == "red secret\none\n"


CONTENTS: dict[str, tuple[Callable[[Cli], object], str]] = {
    "a file of the context": (lambda shop: shop.write("two\n", "web/page"), "red secret\ntwo\n"),
    "the Dockerfile": (lambda shop: shop.write(DOCKERFILE + "RUN echo >> /said\n", "web/Dockerfile"), "\n\none\n"),
    "a secret, with the step that reads it": (
        lambda shop: (
            shop.write("other", "token.txt"),
            shop.write(DOCKERFILE.replace("echo ", "echo now "), "web/Dockerfile"),
        ),
        "now red other\none\n",
    ),
}


@pytest.mark.parametrize("change", CONTENTS)
def test_what_is_built_from_must_be_seen_by_the_kept_plan_too(shop: Cli, change: str):
    """Contexts, Dockerfiles and secrets are no part of a plan: they are read whenever it is carried out."""
    act, said = CONTENTS[change]
    act(shop)
    by_plan, _ = _build(shop)
    assert by_plan
    assert _said(shop).endswith(said)


def test_another_image_of_the_bases_name_must_be_seen(shop: Cli, busybox_tar: Path):
    """The steps are done again on it."""
    shop.run("image", "import", "-c", "ENV COLOUR=white", str(busybox_tar), "busybox:latest")
    by_plan, done = _build(shop)
    assert by_plan
    assert "ENV" not in done.stdout
    assert _said(shop) == "red secret\none\n"
    assert "COLOUR=white" in shop.run("run", "--rm", "web", "env").stdout


def test_an_error_must_be_the_same_by_the_kept_plan(shop: Cli):
    """With its line and the output of the step, and exit code 1; nothing was kept of a build that failed."""
    shop.write(DOCKERFILE.replace("COPY page /", "RUN echo oh no && false"), "web/Dockerfile")
    errors = [shop.run("build", code=1).stderr for _ in range(2)]
    by_plan = shop.run("build", code=1, environment=IMPORTS).stderr
    assert "compose.loader.pipeline" not in by_plan
    assert "--> web/Dockerfile:4:1" in errors[0]
    assert "oh no" in errors[0]
    assert errors[0] == errors[1]
    assert errors[0].splitlines()[-1] == by_plan.splitlines()[-1]


def test_a_warning_must_be_told_each_time(shop: Cli):
    """A plan that was warned of is not kept."""
    shop.write(PROJECT.replace("context: ./web", "context: ./web\n      isolation: none"))
    warnings = [_build(shop)[1].stderr.count("has no effect here") for _ in range(3)]
    assert warnings == [1, 1, 1]
    assert not _build(shop)[0]


def test_a_pipe_must_be_read_once(shop: Cli):
    """`--env-file <(…)` gives its content to the first who asks, so nothing is kept of it."""
    for colour in ("blue", "green", "green"):
        reader, writer = os.pipe()
        with os.fdopen(reader, "rb"), os.fdopen(writer, "w") as pipe:
            pipe.write(f"COLOUR={colour}\n")
            pipe.close()
            done = shop.run("--env-file", f"/proc/{os.getpid()}/fd/{reader}", "build")
        assert done.code == 0
        assert _said(shop) == f"{colour} secret\none\n"


def test_standard_input_must_be_read_each_time(shop: Cli):
    """What comes by it is not known before it is read."""
    for colour in ("blue", "green"):
        shop.run("-f", "-", "build", stdin=PROJECT.replace("red", colour))
        assert _said(shop) == f"{colour} secret\none\n"


def test_a_kept_plan_that_cannot_be_read_must_not_matter(shop: Cli):
    """Whatever stands there, the project is loaded, and the plan is kept anew."""
    for text in ("{", "{}", '{"answers": [], "project": "shop", "builds": [[{"unknown": 1}, []]]}', "[1]"):
        with sqlite3.connect(shop.folder.parent / "state" / "state.db") as connection:
            connection.execute("UPDATE plans SET text = ?", (text,))
        connection.close()
        by_plan, done = _build(shop)
        assert not by_plan
        assert done.stdout.endswith(" web  Built\n")
        assert _build(shop)[0]


def test_a_secret_of_the_environment_must_not_be_written_to_the_disk(shop: Cli):
    """Its value would be a part of the plan; such a plan is not kept."""
    shop.write(PROJECT.replace("file: token.txt", "environment: TOKEN"))
    for _ in range(2):
        by_plan, _ = _build(shop, TOKEN="very-secret")
        assert not by_plan
    for file in (shop.folder.parent / "state").glob("state.db*"):
        assert b"very-secret" not in file.read_bytes()


def test_a_build_that_changes_nothing_must_write_nothing(shop: Cli):
    """So that no disk has to be waited for: the state and the store are, to the byte, what they were."""
    page = shop.folder / "web/page"
    # The digest of a file is only kept once its times can be relied on.
    wait_until(lambda: time.time() > page.stat().st_ctime + 2.5)
    shop.run("build", environment=IMPORTS)
    before = _everything(shop)
    done = shop.run("build", environment=IMPORTS)
    assert "naming to docker.io/library/shop-web:latest done" in done.stdout
    assert _everything(shop) == before


def test_a_build_that_changes_nothing_must_leave_the_next_up_quick(shop: Cli):
    """`build` and then `up -d`, in a script: nothing has changed for the second one either."""
    shop.write(PROJECT.replace("network_mode: none", 'network_mode: none\n    command: ["sleep", "1000"]'))
    shop.run("up", "-d", environment=IMPORTS)
    shop.run("build", environment=IMPORTS)
    again = shop.run("up", "-d", environment=IMPORTS)
    assert " Container shop-web-1  Running" in again.stderr
    assert "pydantic" not in again.stderr


def test_a_damaged_image_must_be_mended_by_its_build(shop: Cli):
    """That a file of its name is there is not enough."""
    image = shop.run("image", "inspect", "-f", "{{.Id}}", "shop-web").stdout.strip()
    blob = shop.folder.parent / "state/images/blobs/sha256" / image.removeprefix("sha256:")
    whole = blob.read_bytes()
    blob.write_bytes(b"{}")
    shop.run("build", environment=IMPORTS)
    assert blob.read_bytes() == whole


def test_a_name_that_leads_elsewhere_must_lead_to_what_was_built(shop: Cli):
    """All steps are in the cache and the image is there, but somebody gave its name to another one."""
    before = shop.run("image", "inspect", "-f", "{{.Id}}", "shop-web").stdout
    shop.run("image", "tag", "busybox", "shop-web")
    shop.run("build", environment=IMPORTS)
    assert shop.run("image", "inspect", "-f", "{{.Id}}", "shop-web").stdout == before


def _everything(shop: Cli) -> list[tuple[str, int, int]]:
    state = shop.folder.parent / "state"
    found = [(path, path.lstat()) for path in state.rglob("*")]
    return sorted((str(path), status.st_ino, status.st_mtime_ns) for path, status in found)


def test_ctrl_c_must_end_a_build_by_the_kept_plan_too(shop: Cli):
    """At once, with exit code 130."""
    command = ("--progress", "plain", "build")
    with shop.on_terminal(*command, environment=IMPORTS) as terminal:
        assert terminal.wait(60) == 0
    shop.write("FROM busybox\nRUN echo begun $((6 * 7)); sleep 300\n", "web/Dockerfile")
    with shop.on_terminal(*command, environment=IMPORTS) as terminal:
        terminal.wait_for("begun 42")
        terminal.type("\x03")
        assert terminal.wait(20) == 130
        assert "compose.loader.pipeline" not in terminal.shown
