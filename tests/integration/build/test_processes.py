"""The processes of a build: none for what is in the cache; all together as soon as it is known that they are needed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.build.executor import Executor
from runtime.build.roots import Surroundings
from runtime.network.controller import NetworkController
from tests.integration.build.stages import Builds, copy, run

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


def workers() -> set[str]:
    """The modules that children of this process were started with."""
    texts = [each.read_text() for each in Path("/proc/self/task").glob("*/children")]
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for text in texts for pid in text.split()]
    return {found[1] for line in lines if (found := re.search(r"from (\S+) import main", line))}


def test_what_is_in_the_cache_must_need_no_process(builds: Builds):
    """Most builds change nothing."""
    (builds.context / "main").write_text("x")
    steps = copy("main", "/main"), run("true")
    first = builds.build(*steps)
    with executor_of(builds) as executor:
        executor.expect(steps, is_cached=True)
        for step, below in zip(steps, (first.layers[:-2], first.layers[:-1]), strict=True):
            assert executor.execute(step, below, builds.root).is_cached
        assert workers() == set()


def test_what_is_not_in_the_cache_must_have_all_processes_started_together(builds: Builds):
    """The program that comes after the copy has its network's worker ready by then."""
    (builds.context / "main").write_text("x")
    steps = copy("main", "/main"), run("true")
    with executor_of(builds) as executor:
        executor.expect(steps, is_cached=True)
        assert workers() == set()
        executor.execute(steps[0], builds.base, builds.root)
        assert workers() == {BUILD, NETWORK}
        executor.finish()
    assert workers() == set()


def test_without_the_cache_they_must_be_started_before_the_first_step(builds: Builds):
    """While a large context is still looked over. Where no program runs there is no network to make."""
    with executor_of(builds) as executor:
        executor.expect([copy("main", "/main")], is_cached=False)
        assert workers() == {BUILD}
