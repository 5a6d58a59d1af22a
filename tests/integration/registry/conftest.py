"""A registry without credentials for the session, and a client on a state of the test's own."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.image.distribution import Distribution
from runtime.image.store import ImageStore
from runtime.paths import Paths
from runtime.state.database import Database
from tests.support import registry
from tests.support.registry import RegistryServer
from tests.support.registry_proxy import RegistryProxy


@dataclass
class Client:
    """A store and its client of registries."""

    store: ImageStore
    distribution: Distribution
    root: Path

    def files(self, reference: str) -> dict[str, bytes]:
        """Return the files of an image: what its topmost layers say."""
        record = self.store.resolve(reference)
        found: dict[str, bytes] = {}
        for folder in reversed(self.store.lower_directories(record)):
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    found[str(path.relative_to(folder))] = path.read_bytes()
        return found

    def leftovers(self) -> list[str]:
        """Return what is still being written."""
        return sorted(path.name for path in (self.root / "ingest").iterdir())


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """Return a registry that everybody may read and write."""
    if reason := registry.lacking():
        if os.environ.get("PYCOMPOSE_REQUIRE") == "1":
            pytest.fail(f"PYCOMPOSE_REQUIRE=1, but {reason}", pytrace=False)
        pytest.skip(reason)
    with RegistryServer(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture
def proxy(server: RegistryServer) -> Iterator[RegistryProxy]:
    """Return a proxy before the registry."""
    with RegistryProxy(server.host) as started:
        yield started


@pytest.fixture(autouse=True)
def _no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own credentials, proxies and settings out."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "PYCOMPOSE_REGISTRIES"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def client(database: Database, paths: Paths) -> Iterator[Client]:
    """Return a client on the test's state."""
    store = ImageStore(database, paths)
    distribution = Distribution(database, store)
    yield Client(store, distribution, paths.images)
    distribution.close()
