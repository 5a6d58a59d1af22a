"""ADD of git repositories: real ones, by git's own HTTP backend on the loopback."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.build.roots import Surroundings
from runtime.errors import InvalidArgument, NotFound, Unavailable
from tests.integration.build.stages import Builds, copy
from tests.support.cli import wait_until
from tests.support.git import IDENTITY, Repository, http_server, silent_server


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository: a file, a program, a link, and a folder."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    repository = Repository(tmp_path / "served" / "shop.git")
    (repository.folder / "run").touch(mode=0o755)
    repository.commit({"a": "a\n", "sub/b": "b\n", ".dockerignore": "a\n"}, links={"link": "a", "away": "/etc"})
    return repository


@pytest.fixture
def server(shop: Repository) -> Iterator[str]:
    """The address of its server."""
    with http_server(shop.folder.parent) as address:
        yield address


def test_a_repository_must_become_files_as_docker_makes_them(builds: Builds, server: str):
    """Its tree without `.git`, root's, with a checkout's modes whatever the user's mask is; no ignore file counts."""
    mask = os.umask(0o077)
    try:
        built = builds.build(copy(f"{server}/shop.git", "/x", add=True))
    finally:
        os.umask(mask)
    assert built.names() == [
        *("x", "x/.dockerignore", "x/a", "x/away", "x/link", "x/run", "x/sub", "x/sub/b"),
    ]
    status = built.file("x/a").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o644, 0)
    assert stat.S_IMODE(built.file("x").stat().st_mode) == 0o755
    assert stat.S_IMODE(built.file("x/run").stat().st_mode) == 0o755
    assert built.file("x/away").readlink() == Path("/etc")


def test_a_ref_a_folder_and_flags_must_count(builds: Builds, server: str, shop: Repository):
    """`#ref:folder`, `--chown`, `--exclude`, `--keep-git-dir`, and the query that newer versions know."""
    shop.git("tag", "v1")
    shop.commit({"sub/c": "c\n"})
    url = f"{server}/shop.git"
    assert builds.build(copy(f"{url}#v1:sub", "/s/", add=True)).names() == ["s", "s/b"]
    built = builds.build(copy(f"{url}#main:sub", "/s/", add=True, owner="5:6", exclude=("b",)))
    assert built.names() == ["s", "s/c"]
    assert (built.file("s/c").stat().st_uid, built.file("s/c").stat().st_gid) == (5, 6)
    assert "g/.git/HEAD" in builds.build(copy(url, "/g/", add=True, keep_git_dir=True)).names()
    assert "g/.git/HEAD" in builds.build(copy(f"{url}?keep-git-dir=1", "/g/", add=True)).names()
    assert builds.build(copy(f"{url}#main:sub", "/s/", add=True, keep_git_dir=True)).names() == ["s", "s/b", "s/c"]


def test_a_commit_that_was_built_from_must_not_be_fetched_again(builds: Builds, server: str, shop: Repository):
    """A branch is asked for, and a commit not even that; what moved is fetched."""
    step = copy(f"{server}/shop.git#main", "/x", add=True)
    assert (builds.build(step).cached(), builds.build(step).cached()) == ([False], [True])
    commit = shop.commit({"a": "changed\n"})
    assert builds.build(step).file("x/a").read_text() == "changed\n"
    shop.folder.rename(shop.folder.parent / "gone")
    pinned = builds.build(copy(f"{server}/shop.git#{commit}", "/x", add=True))
    assert pinned.file("x/a").read_text() == "changed\n"
    with pytest.raises(Unavailable, match="cannot read"):
        builds.build(step)


def test_a_commit_must_be_the_one_that_was_meant(builds: Builds, server: str, shop: Repository):
    """`--checksum` is its name, or the beginning of it."""
    commit = shop.git("rev-parse", "HEAD")
    assert builds.build(copy(f"{server}/shop.git", "/x", add=True, checksum=commit[:12])).cached() == [False]
    with pytest.raises(InvalidArgument, match=f"`HEAD` is commit {commit}, and should be 0000000"):
        builds.build(copy(f"{server}/shop.git", "/x", add=True, checksum="0000000"))


def test_what_is_not_there_must_be_told(builds: Builds, server: str):
    """A repository, a branch, a folder; a file and a link are no folders."""
    for name, error, words in (
        ("nope.git", Unavailable, "cannot read"),
        ("shop.git#nope", NotFound, "has no branch or tag `nope`"),
        ("shop.git#:nope", NotFound, "has no folder `nope` at HEAD"),
        ("shop.git#:a", NotFound, "has no folder `a`"),
        ("shop.git#:away", NotFound, "has no folder `away`"),
        ("shop.git#:../x", InvalidArgument, "is not inside the repository"),
    ):
        with pytest.raises(error, match=words):
            builds.build(copy(f"{server}/{name}", "/x", add=True))


def test_git_must_be_who_the_build_says(
    builds: Builds, shop: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Over ssh: with the key `default` of the build, or the agent; never asking anybody."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    # The other side is this machine: what is asked of it is done here.
    program.write_text(
        f'#!/bin/sh\necho "$SSH_AUTH_SOCK $*" >>{tmp_path}/asked\nfor last; do :; done\nexec sh -c "$last"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("GIT_SSH_COMMAND", raising=False)
    key, agent = tmp_path / "a key", tmp_path / "agent"
    key.touch()
    step = copy(f"git@example.org:{shop.folder}#main:sub", "/x/", add=True)
    for path, words in ((key, f"BatchMode=yes -o ConnectTimeout=30 -i {key} "), (agent, f"{agent} -o ")):
        built = builds.build(step, around=Surroundings(ssh={"default": str(path)}), use_cache=False)
        assert built.names() == ["x", "x/b"]
        assert words in (tmp_path / "asked").read_text()


def test_a_build_that_is_killed_must_take_git_with_it(tmp_path: Path):
    """The kernel ends what it started, however slow the server was."""
    program = "import sys; from runtime.build.remote import client, messages; "
    program += "client.ask(messages.Resolve(sys.argv[1]))"
    with silent_server() as address, subprocess.Popen([sys.executable, "-c", program, f"{address}/x.git"]) as build:

        def gits() -> list[str]:
            return [
                path.parent.name
                for path in Path("/proc").glob("[0-9]*/cmdline")
                if f"{address}/x.git".encode() in content(path) and content(path).startswith(b"git")
            ]

        wait_until(lambda: bool(gits()))
        build.send_signal(signal.SIGKILL)
        wait_until(lambda: not gits())


def content(path: Path) -> bytes:
    """The content of a file that may be gone."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
