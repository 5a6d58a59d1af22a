"""The processes of a build: none for what is in the cache; all together as soon as it is known that they are needed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime.build.executor import Executor
from runtime.build.files import digest
from runtime.build.roots import Surroundings
from runtime.errors import NotFound
from runtime.network.controller import NetworkController
from tests.integration.build.stages import Builds, copy, run, workdir
from tests.support.cli import wait_until

BUILD, NETWORK = "runtime.build.worker.main", "runtime.network.worker"


@contextmanager
def executor_of(builds: Builds) -> Iterator[Executor]:
    """The executor of one build."""
    controller = NetworkController(builds.database, builds.paths)
    try:
        with Executor(builds.database, builds.paths, builds.images, lambda: controller, Surroundings()) as executor:
            yield executor
    finally:
        controller.close()


def command_of(pid: str) -> str:
    """The command line of a child; for a moment after execve(2) it has none, and one that ended has none any more."""
    process = Path(f"/proc/{pid}")
    wait_until(lambda: (process / "cmdline").read_text() or ") Z" in (process / "stat").read_text())
    return (process / "cmdline").read_text()


def workers() -> set[str]:
    """The modules that children of this process were started with."""
    texts = [each.read_text() for each in Path("/proc/self/task").glob("*/children")]
    lines = [command_of(pid) for text in texts for pid in text.split()]
    return {found[1] for line in lines if (found := re.search(r"from (\S+) import main", line))}


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as left alone right after they were written."""
    monkeypatch.setattr(digest, "_YOUNG_NS", 0)


def test_what_is_in_the_cache_must_need_no_process(builds: Builds):
    """Most builds change nothing."""
    (builds.context / "main").write_text("x")
    steps = copy("main", "/main"), run("true")
    first = builds.build(*steps)
    with executor_of(builds) as executor:
        executor.expect(steps, builds.root, use_cache=True)
        for step, below in zip(steps, (first.layers[:-2], first.layers[:-1]), strict=True):
            assert executor.execute(step, below, builds.root).is_cached
        assert workers() == set()


def test_what_is_not_in_the_cache_must_have_all_processes_started_together(builds: Builds):
    """The program that comes after has its network's worker ready by then."""
    steps = workdir("/new"), run("true")
    with executor_of(builds) as executor:
        executor.expect(steps, builds.root, use_cache=True)
        assert workers() == set()
        executor.execute(steps[0], builds.base, builds.root)
        assert workers() == {BUILD, NETWORK}
        executor.finish()
    assert workers() == set()


def test_without_the_cache_they_must_be_started_before_the_first_step(builds: Builds):
    """While a large context is still looked over. Where no program runs there is no network to make."""
    with executor_of(builds) as executor:
        executor.expect([copy("main", "/main")], builds.root, use_cache=False)
        assert workers() == {BUILD}


def test_a_file_that_changed_must_have_them_started_before_all_others_are_looked_at(builds: Builds):
    """It says that a step will have to be done. A file that is named is looked at first of all."""
    for name in ("src/a", "main"):
        (builds.context / name).parent.mkdir(exist_ok=True)
        (builds.context / name).write_text("x")
    steps = copy("src", "/src"), copy("main", "/main")
    builds.build(*steps)
    (builds.context / "main").write_text("changed")
    with executor_of(builds) as executor:
        executor.expect(steps, builds.root, use_cache=True)
        assert workers() == {BUILD}
    builds.build(*steps)
    (builds.context / "src/a").write_text("changed")
    with executor_of(builds) as executor:
        executor.expect(steps, builds.root, use_cache=True)
        assert workers() == set()
        with pytest.raises(NotFound):
            executor.execute(copy("src", "absent", "/"), builds.base, builds.root)
        assert workers() == {BUILD}
