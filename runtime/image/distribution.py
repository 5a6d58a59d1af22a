"""The store's side of registries: pull, push, digests. It brings urllib3 along, so engines open it when it is needed.

One for each command: connections, tokens and unpack workers are shared by all images that it moves.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from runtime.api import TransferListener
from runtime.errors import Cancelled, EngineError
from runtime.image import catalog
from runtime.image.fetching import Source
from runtime.image.pulling import Puller
from runtime.image.reference import Reference, parse
from runtime.image.store import ImageStore, named_errors
from runtime.image.unpackers import Unpackers
from runtime.registry.client import Repository
from runtime.registry.credentials import open_credentials
from runtime.registry.session import Session
from runtime.registry.settings import read_settings
from runtime.state import images
from runtime.state.database import Database
from schemas.engine.transfers import PulledImage, TransferEvent

_WATCH_S = 0.1


class Distribution:
    """Images between this store and registries. Used by several threads."""

    def __init__(self, database: Database, store: ImageStore) -> None:
        """Raises InvalidArgument for settings that are wrong."""
        self._database = database
        self._store = store
        self._unpackers = Unpackers(store.blobs.root)
        self._listeners: set[TransferListener] = set()
        self._session = Session(read_settings(), open_credentials(), self._is_cancelled)
        self._lock = threading.Lock()

    def pull(self, text: str, platform: str = "", listener: TransferListener | None = None) -> PulledImage:
        """Bring an image into the store and let its name lead to it.

        Raises NotFound, PermissionDenied, Unavailable, Unsupported, InvalidArgument, ResourceExhausted, Cancelled.
        """
        reference = parse(text).with_default_tag()
        if catalog.is_reserved(reference.familiar):
            # Built in: there is nothing newer anywhere.
            record = self._store.resolve(text)
            return PulledImage(record, record.id, is_new=False)
        known = images.by_reference(self._database.read(), reference.familiar)
        with self._listening(listener) as report, named_errors("pull"), self._store.blobs.lease():
            source = Source(self._repositories(reference), self._session.patience, report)
            puller = Puller(self._store.assembler, self._unpackers, source)
            pulled = puller.pull(reference, platform, known.id if known else "")
        if pulled.is_new and known is not None:
            self._store.collect()
        return pulled

    def digest(self, text: str) -> str:
        """Return the digest that a name leads to in its registry now. Raises as `pull` does."""
        reference = parse(text).with_default_tag()
        return reference.digest or self._origin(reference).digest(reference.tag)

    def close(self) -> None:
        """Close connections and end the workers."""
        self._session.close()
        self._unpackers.close()

    def _repositories(self, reference: Reference) -> tuple[Repository, ...]:
        mirrors = self._session.settings.of(reference.domain).mirrors
        return (
            *(
                Repository(self._session, reference.domain, reference.path, reference.familiar_name, mirror=mirror)
                for mirror in mirrors
            ),
            self._origin(reference),
        )

    def _origin(self, reference: Reference) -> Repository:
        return Repository(self._session, reference.domain, reference.path, reference.familiar_name)

    def _is_cancelled(self) -> bool:
        return any(listener.is_cancelled for listener in tuple(self._listeners))

    @contextmanager
    def _listening(self, listener: TransferListener | None) -> Iterator[Callable[[TransferEvent], None]]:
        """Tell a listener of progress, and ask it whether to go on."""
        if listener is None:
            yield _tell_nobody
            return
        ended = threading.Event()

        def watch() -> None:
            # Whoever waits for a registry that says nothing has to be woken.
            while not ended.wait(_WATCH_S):
                if listener.is_cancelled:
                    self._session.abort()

        with self._lock:
            self._listeners.add(listener)
        threading.Thread(target=watch, name="cancellation", daemon=True).start()
        try:
            yield listener.on
        except EngineError as error:
            if listener.is_cancelled and not isinstance(error, Cancelled):
                raise Cancelled("canceled") from error
            raise
        finally:
            ended.set()
            with self._lock:
                self._listeners.discard(listener)


def _tell_nobody(_: TransferEvent) -> None:
    return
