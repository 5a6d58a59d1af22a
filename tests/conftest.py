"""What every test of the kernel's part gets: a machine that can do it, directories of its own, a leak check.

Applies to tests/integration and tests/scenarios. PYCOMPOSE_REQUIRE=1 turns a missing capability into a
failure; PYCOMPOSE_KEEP_FAILED=1 leaves what a failed test made.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import host, images, kernel, registry
from tests.support.cli import Cli
from tests.support.leaks import LeakCheck
from tests.support.registry import RegistryServer
from tests.support.registry_proxy import RegistryProxy

KERNEL_TESTS = ("integration", "scenarios")
HERE = Path(__file__).parent
FAILED = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Adopt the orphans of the session and declare the markers."""
    config.addinivalue_line("markers", "kernel: makes real containers, namespaces, networks; needs root")
    config.addinivalue_line(
        "markers", "debian: needs an image made of Debian packages (a mirror in reach, or the cached tar)"
    )
    kernel.become_subreaper()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in the kernel's directories."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.relative_to(HERE).parts[0] in KERNEL_TESTS:
            item.add_marker(pytest.mark.kernel)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember a failure for the fixtures that clean up after it."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(autouse=True, scope="session")
def _not_the_machines_directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test out of the state of the machine that it runs on."""
    folder = tmp_path_factory.mktemp("pycompose")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYCOMPOSE_ROOT", str(folder / "state"))
        environment.setenv("PYCOMPOSE_RUN", str(folder / "run"))
        yield


@pytest.fixture(autouse=True)
def _own_directories(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give a kernel test its own state and run directory, and look for what it leaves behind."""
    if not request.node.get_closest_marker("kernel"):
        yield
        return
    if lacking := host.missing():
        _unavailable("; ".join(lacking))
    tmp_path: Path = request.getfixturevalue("tmp_path")
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    state, run = tmp_path / "state", tmp_path / "run"
    monkeypatch.setenv("PYCOMPOSE_ROOT", str(state))
    monkeypatch.setenv("PYCOMPOSE_RUN", str(run))
    check = LeakCheck(state, run)
    yield
    failed = request.node.stash.get(FAILED, False)
    if failed and os.environ.get("PYCOMPOSE_KEEP_FAILED") == "1":
        return
    leaks = check.leaks()
    if leaks:
        check.remove()
        if not failed:
            pytest.fail("left behind:\n  " + "\n  ".join(leaks), pytrace=False)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Return the command line, in a folder of its own, with the test's directories."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Cli(folder)


@pytest.fixture(scope="session")
def busybox_tar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tar of a root file system that is busybox and nothing else."""
    if not images.busybox():
        _unavailable("busybox: install busybox-static")
    return images.busybox_tar(tmp_path_factory.mktemp("busybox"))


@pytest.fixture
def busybox(cli: Cli, busybox_tar: Path) -> str:
    """Return the reference of the busybox image, imported into the test's state."""
    cli.run("image", "import", str(busybox_tar), "busybox:latest")
    return "busybox:latest"


@pytest.fixture(scope="session")
def debian_tar() -> Path:
    """Return the tar of nginx, Redis and PostgreSQL from Debian's packages; made once, then cached."""
    try:
        return images.debian_tar("postgresql")
    except RuntimeError as error:
        _unavailable(str(error))


@pytest.fixture(scope="session")
def debian_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the archive of `debian:bookworm-slim`, made from packages; once, then cached."""
    try:
        return images.debian_base(tmp_path_factory.mktemp("debian-base"))
    except RuntimeError as error:
        _unavailable(str(error))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """Return a registry that everybody may read and write."""
    if reason := registry.lacking():
        _unavailable(reason)
    with RegistryServer(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture
def proxy(server: RegistryServer) -> Iterator[RegistryProxy]:
    """Return a proxy before the registry."""
    with RegistryProxy(server.host) as started:
        yield started


@pytest.fixture
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own credentials, proxies and settings out."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "PYCOMPOSE_REGISTRIES"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def _unavailable(reason: str) -> None:
    """Skip with the reason; fail where everything has to be there."""
    if os.environ.get("PYCOMPOSE_REQUIRE") == "1":
        pytest.fail(f"PYCOMPOSE_REQUIRE=1, but {reason}", pytrace=False)
    pytest.skip(reason)
