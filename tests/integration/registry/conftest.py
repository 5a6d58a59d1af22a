"""A client of registries on a state of the test's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.image.distribution import Distribution
from runtime.image.remote import RemoteNames
from runtime.image.store import ImageStore
from runtime.paths import Paths
from runtime.state.database import Database
from schemas.engine.transfers import TransferEvent, TransferStage


@dataclass
class Client:
    """A store and its client of registries."""

    database: Database
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


class Listener:
    """Remembers what it is told of layers."""

    is_cancelled = False

    def __init__(self) -> None:
        self.events: list[TransferEvent] = []

    def on(self, event: TransferEvent) -> None:
        self.events.append(event)

    @property
    def ends(self) -> list[TransferStage]:
        """The final stages."""
        return [event.stage for event in self.events if event.stage.is_final]


def remote_digest(name: str) -> str:
    """Return what a name leads to in its registry."""
    remote = RemoteNames()
    try:
        return remote.digest(name)
    finally:
        remote.close()


@pytest.fixture(autouse=True)
def _without_credentials(no_credentials: None) -> None:
    """For every test here."""


@pytest.fixture
def client(database: Database, paths: Paths) -> Iterator[Client]:
    """Return a client on the test's state."""
    store = ImageStore(database, paths)
    distribution = Distribution(database, store)
    yield Client(database, store, distribution, paths.images)
    distribution.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pauses between attempts short: there are as many."""
    monkeypatch.setattr("runtime.registry.session.FIRST_PAUSE_S", 0.01)
