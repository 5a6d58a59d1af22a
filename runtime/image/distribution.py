"""The store's side of registries: pull, push, digests. It brings urllib3 along, so engines open it when it is needed.

One for each command: connections, tokens and unpack workers are shared by all images that it moves.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from runtime.api import TransferListener
from runtime.errors import Cancelled, EngineError, InvalidArgument, NotFound
from runtime.image import catalog
from runtime.image.content import MAX_DOCUMENT_BYTES
from runtime.image.fetching import LayerFetcher, Source
from runtime.image.pulling import Puller
from runtime.image.pushing import Pusher, Target
from runtime.image.reference import Reference, parse
from runtime.image.remote import ask, origin, sources
from runtime.image.store import ImageStore, named_errors
from runtime.image.unpackers import Unpackers
from runtime.registry.credentials import open_credentials
from runtime.registry.session import Session
from runtime.registry.settings import read_settings
from runtime.state import images, journal
from runtime.state.database import Database
from schemas.engine.events import EngineEvent
from schemas.engine.identifiers import DiffID
from schemas.engine.records import ImageRecord
from schemas.engine.transfers import PulledImage, PushedImage, TransferEvent, TransferStage
from schemas.oci.image import Descriptor, manifest_from_plain

_WATCH_S = 0.1
_RELATIVES = 3
"""Repositories that are asked for a layer before it is sent."""


class Distribution:
    """Images between this store and registries. Used by several threads."""

    def __init__(self, database: Database, store: ImageStore) -> None:
        """Raises InvalidArgument for settings that are wrong."""
        self._database = database
        self._store = store
        self._unpackers = Unpackers(store.blobs.root)
        self._listeners: set[TransferListener] = set()
        self._session = Session(read_settings(), open_credentials(), self._is_cancelled, self._pass_on)
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
            source = Source(sources(self._session, reference), self._session.patience, report)
            puller = Puller(self._store.assembler, self._unpackers, source)
            pulled = puller.pull(reference, platform, known.id if known else "")
        if pulled.is_new and known is not None:
            self._store.collect()
        return pulled

    def push(self, text: str, listener: TransferListener | None = None) -> PushedImage:
        """Let a name of a registry lead to the image that it leads to here.

        Raises NotFound, PermissionDenied, Unavailable, InvalidArgument, FailedPrecondition, Cancelled.
        """
        reference = parse(text).with_default_tag()
        if reference.digest:
            raise InvalidArgument(f"cannot push `{text}`: a digest is no name that can be given")
        record = images.by_reference(self._database.read(), reference.familiar)
        if record is None:
            raise NotFound(f"An image does not exist locally with the tag: {reference.familiar_name}")
        with self._listening(listener) as report, named_errors("push"), self._store.blobs.lease():
            return self._push(reference, record, report)

    def _push(self, reference: Reference, record: ImageRecord, report: Callable[[TransferEvent], None]) -> PushedImage:
        blobs = self._store.blobs
        digest = images.manifest_of(self._database.read(), record.id)
        content = blobs.read(digest)
        layers = manifest_from_plain(json.loads(content)).layers

        def relatives(position: int) -> list[str]:
            return self._relatives(reference, record.layers[position])

        target = Target(origin(self._session, reference), reference.tag, relatives, self._session.patience, report)
        sent, pushed = Pusher(blobs, target).push(content, layers)
        with self._database.transaction() as connection:
            if sent != content:
                images.set_manifest(connection, record.id, blobs.add(sent))
            journal.append(connection, EngineEvent("image", "push", record.id, name=reference.familiar))
        return pushed

    def _relatives(self, reference: Reference, diff_id: str) -> list[str]:
        """Return other repositories of the registry whose images here have a layer."""
        found = dict.fromkeys(
            known.path
            for record in images.all_of(self._database.read())
            if diff_id in record.layers
            for known in map(parse, record.references)
            if known.domain == reference.domain and known.path != reference.path
        )
        return list(found)[:_RELATIVES]

    def manifest(self, text: str, digest: str = "") -> bytes:
        """Return the manifest or index that a name leads to, or the manifest `digest` beside it.

        Raises NotFound, PermissionDenied, Unavailable, InvalidArgument, Cancelled.
        """
        reference = parse(text).with_default_tag()
        wanted = digest or reference.digest or reference.tag
        return ask(sources(self._session, reference), lambda repository: repository.manifest(wanted)).content

    def document(self, text: str, blob: Descriptor) -> bytes:
        """Return a small blob of a name's repository, verified. Raises as `manifest` does."""
        if blob.size_bytes > MAX_DOCUMENT_BYTES:
            raise InvalidArgument(f"blob `{blob.digest}` is larger than {MAX_DOCUMENT_BYTES} bytes")
        repositories = sources(self._session, parse(text))
        return ask(repositories, lambda repository: repository.document(blob.digest, blob.size_bytes))

    def fetch_layers(self, text: str, layers: Mapping[DiffID, Descriptor], listener: TransferListener) -> None:
        """Bring layers of a name's repository into the store, verified and unpacked. Call under its lease.

        Raises as `manifest` does, and ResourceExhausted.
        """
        with self._listening(listener) as report, named_errors("pull"):
            source = Source(sources(self._session, parse(text)), self._session.patience, report)
            LayerFetcher(
                self._store.assembler.layers, self._unpackers, source, list(layers.values()), list(layers)
            ).fetch()

    def push_artefact(self, text: str, manifest: bytes, listener: TransferListener) -> None:
        """Let a name lead to a manifest whose blobs are all in the store. Call under its lease.

        Raises NotFound, PermissionDenied, Unavailable, InvalidArgument, FailedPrecondition, Cancelled.
        """
        reference = parse(text).with_default_tag()
        if reference.digest:
            raise InvalidArgument(f"cannot push `{text}`: a digest is no name that can be given")
        layers = manifest_from_plain(json.loads(manifest)).layers
        with self._listening(listener) as report, named_errors("push"):
            repository = origin(self._session, reference)
            target = Target(repository, reference.tag, lambda _: (), self._session.patience, report)
            Pusher(self._store.blobs, target).push(manifest, layers)

    def close(self) -> None:
        """Close connections and end the workers."""
        self._session.close()
        self._unpackers.close()

    def _is_cancelled(self) -> bool:
        return any(listener.is_cancelled for listener in tuple(self._listeners))

    def _pass_on(self, host: str, text: str) -> None:
        """Tell everybody what a registry has to say to its users: which image it is about, nobody knows."""
        for listener in tuple(self._listeners):
            listener.on(TransferEvent(host, TransferStage.WARNED, source=text))

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
