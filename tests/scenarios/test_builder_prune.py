"""`builder prune`: what builds keep goes when nobody needs it, and not before."""

import json
from pathlib import Path

import pytest

from tests.support.cli import Cli, wait_until

pytestmark = pytest.mark.usefixtures("busybox")

DOCKERFILE = """\
FROM busybox AS tools
RUN head -c 300000 /dev/zero > /big
RUN --mount=type=cache,target=/cache head -c 200000 /dev/zero > /cache/kept
FROM busybox
RUN echo page > /page
"""


@pytest.fixture
def built(cli: Cli) -> Cli:
    """A project whose other stage was built too, and a mount that holds something."""
    cli.write(json.dumps({"name": "shop", "services": {"web": {"image": "me/web", "build": "."}}}))
    cli.write(DOCKERFILE + "COPY --from=tools /big /copy\n", "Dockerfile")
    cli.run("build")
    return cli


def _deleted(text: str) -> list[str]:
    lines = text.splitlines()
    return lines[1 : lines.index("")] if lines[0] == "Deleted build cache objects:" else []


def test_what_no_image_has_must_go_and_mounts_with_it(built: Cli):
    """With docker's words. What the image consists of stays known; `--all` takes that too, and no image is harmed."""
    usage = built.run("system", "df", "-v").stdout
    assert "exec.cachemount" in usage
    done = built.run("builder", "prune", "-f").stdout
    assert len(_deleted(done)) == 3
    assert done.endswith("Total reclaimed space: 500kB\n")
    assert "exec.cachemount" not in built.run("system", "df", "-v").stdout
    again = built.run("build").stdout
    assert again[again.index("RUN echo page") :].splitlines()[1].endswith("CACHED")
    assert len(_deleted(built.run("builder", "prune", "-a", "-f").stdout)) >= 4
    assert built.run("builder", "prune", "-a", "-f").stdout == "Total reclaimed space: 0B\n"
    assert built.run("run", "--rm", "web", "cat", "/page").stdout == "page\n"
    assert "CACHED" not in built.run("build").stdout.partition("RUN echo page")[2].splitlines()[1]
    built.run("down")


def test_nothing_must_go_that_was_not_asked_for(built: Cli):
    """Nobody says yes; everything is younger than that; there is less than is to be kept."""
    asked = built.run("builder", "prune", stdin="n\n").stdout
    assert asked.startswith("WARNING! This will remove all dangling build cache.")
    assert "Total" not in asked
    for flags in (["--filter", "until=1h"], ["--filter", "unused-for=1h"], ["--keep-storage", "10mb"]):
        assert built.run("builder", "prune", "-a", "-f", *flags).stdout == "Total reclaimed space: 0B\n"
    assert len(_deleted(built.run("builder", "prune", "-f", "--keep-storage", "250kb").stdout)) in (1, 2)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--filter", "nonsense=1"], "invalid filter `nonsense=1`"),
        (["--filter", "until=xx"], "neither a time nor a duration"),
        (["--filter", "until=1h", "--filter", "unused-for=2h"], "conflicting filters"),
        (["--keep-storage", "much"], "--keep-storage"),
    ],
)
def test_a_flag_that_makes_no_sense_must_be_refused(built: Cli, flags: list[str], message: str):
    """Before anything is removed."""
    assert message in built.run("builder", "prune", "-f", *flags, code=1).stderr


def test_a_build_that_goes_on_must_not_be_harmed(built: Cli, tmp_path: Path):
    """Its mount is in use and stays; what it found and made becomes an image."""
    built.write(
        "FROM busybox\nRUN echo first > /first\nRUN --mount=type=cache,target=/cache"
        " touch /cache/held; sleep 4; test -e /cache/held && ls /first\n",
        "Dockerfile",
    )
    going = built.start("build")
    try:
        wait_until(lambda: any(tmp_path.glob("**/build-caches/*/*/data/held")))
        assert _deleted(built.run("builder", "prune", "-a", "-f").stdout)
        assert any(tmp_path.glob("**/build-caches/*/*/data/held"))
    finally:
        output, _ = going.communicate(timeout=60)
    assert going.returncode == 0, output
    assert built.run("run", "--rm", "web", "cat", "/first").stdout == "first\n"
    built.run("down")
