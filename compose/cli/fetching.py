"""Files that are elsewhere, for the loader: what fetches them is imported when the first one is met."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from compose.cli import registry
from compose.loader.discovery import FILE_NAMES
from compose.remote import names

if TYPE_CHECKING:
    from compose.remote.oci import Artefacts
    from compose.remote.sources import RemoteSources


def _open_artefacts() -> "Artefacts":
    artefacts: Artefacts = registry.load(registry.ARTEFACTS).RemoteArtefacts()
    return artefacts


class Fetching:
    """Fetches each reference once in a run."""

    def __init__(self, environment: Mapping[str, str], tell_waiting: Callable[[str], None]) -> None:
        self._tell_waiting = tell_waiting
        self._environment = environment
        self._folder = names.cache_folder(environment)
        self._sources: RemoteSources | None = None

    @property
    def folders(self) -> Mapping[str, str]:
        """Each reference that was asked for, as it may be shown, and the folder of its local copy."""
        return self._sources.folders if self._sources else {}

    def local_copy(self, reference: str, *, by_fetched: bool) -> str:
        """The Compose file that a reference means, as an absolute path. Raises RemoteError."""
        return self._opened().local_copy(reference, by_fetched=by_fetched)

    def _opened(self) -> "RemoteSources":
        if self._sources is None:
            self._sources = registry.load(registry.REMOTE).open_sources(
                self._folder, self._environment, FILE_NAMES, self._tell_waiting, _open_artefacts
            )
        assert self._sources is not None  # noqa: S101 - for mypy: the registry's modules are untyped
        return self._sources

    def root_of(self, path: str) -> str:
        """The folder of the fetched tree that an absolute path lies in; empty where it lies in none."""
        return names.root_of(path, self._folder)
