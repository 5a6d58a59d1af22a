"""The images that a build stands on: found in the store, or fetched when they are not there."""

import json
import threading
from collections.abc import Callable, Mapping

from runtime.api import TransferListener
from runtime.build.plan import ImageSource
from runtime.build.planning.options import BaseImage
from runtime.build.results import StageResult
from runtime.build.roots import LayersRoot
from runtime.errors import InvalidArgument, NotFound, Unsupported
from runtime.image.catalog import find_image
from runtime.image.host import is_host
from runtime.image.identity import is_identifier
from runtime.image.platforms import own_platform, parse_platform
from runtime.image.store import ImageStore
from runtime.state import images
from runtime.state.database import Database
from schemas.engine.identifiers import DiffID
from schemas.engine.records import ImageRecord
from schemas.engine.transfers import PulledImage, TransferEvent
from schemas.oci.image import Platform, manifest_from_plain

Fetch = Callable[[str, str, TransferListener], PulledImage]
"""Brings an image, by reference and platform, into the store: Runtime.pull_image."""


class QuietTransfer:
    """Listens to a transfer for nothing but its end."""

    def __init__(self, is_cancelled: Callable[[], bool]) -> None:
        self._is_cancelled = is_cancelled

    @property
    def is_cancelled(self) -> bool:
        """Whether the build is to end."""
        return self._is_cancelled()

    def on(self, event: TransferEvent) -> None:
        """Say nothing."""


class BaseImages:
    """What is known of the images of one build. Every method may be called from several threads."""

    def __init__(
        self, database: Database, store: ImageStore, fetch: Fetch, transfer: QuietTransfer, *, pull: bool
    ) -> None:
        self._database = database
        self._store = store
        self._fetch = fetch
        self._transfer = transfer
        self._pull = pull
        self._found: dict[ImageSource, ImageRecord] = {}
        self._lock = threading.Lock()

    def find(self, source: ImageSource) -> ImageRecord:
        """Return an image, fetched where it has to be: once in a build.

        Raises NotFound, Unavailable, Unsupported, InvalidArgument, Cancelled.
        """
        with self._lock:
            if source not in self._found:
                self._found[source] = self._look_for(source)
            return self._found[source]

    def base(self, source: ImageSource) -> BaseImage:
        """Return what the planner has to know of an image. Raises as `find` does."""
        record = self.find(source)
        author = self._document(record).get("author")
        platform = Platform(record.os, record.architecture)
        return BaseImage(record.config, platform, author if isinstance(author, str) else "")

    def root(self, source: ImageSource) -> LayersRoot:
        """Return an image's layers as steps read them. Raises as `find` does."""
        return LayersRoot(tuple(DiffID(diff_id) for diff_id in self.find(source).layers))

    def result(self, source: ImageSource) -> StageResult:
        """Return an image as the beginning of a stage. Raises as `find` does."""
        record = self.find(source)
        document = self._document(record)
        history = document.get("history")
        manifest = manifest_from_plain(json.loads(self._store.blobs.read(self._manifest_digest(record))))
        return StageResult(
            diff_ids=tuple(DiffID(diff_id) for diff_id in record.layers),
            descriptors=manifest.layers,
            history=tuple(entry for entry in history if isinstance(entry, dict)) if isinstance(history, list) else (),
            document=document,
            modified_ns=record.created_ns,
        )

    def _look_for(self, source: ImageSource) -> ImageRecord:
        # An id is of this machine: no registry has something newer for it.
        is_asked_for = self._pull and not is_identifier(source.reference)
        record = None if is_asked_for else self._stored(source)
        if record is None:
            record = self._fetch(source.reference, source.platform, self._transfer).image
        if is_host(record):
            raise Unsupported(
                "the built-in image `host` has no layers, so nothing can be built on it",
                hint="build on an image of a registry, or on one that `image import` or `image bootstrap` made",
            )
        return record

    def _stored(self, source: ImageSource) -> ImageRecord | None:
        try:
            record = find_image(self._database.read(), source.reference)
        except NotFound:
            return None
        wanted = parse_platform(source.platform) if source.platform else own_platform()
        fits = not record.architecture or (record.os, record.architecture) == (wanted.os, wanted.architecture)
        return record if fits else None

    def _manifest_digest(self, record: ImageRecord) -> str:
        digest = images.manifest_of(self._database.read(), record.id)
        if not digest:
            raise NotFound(f"image `{record.id}` is gone")
        return digest

    def _document(self, record: ImageRecord) -> Mapping[str, object]:
        if is_host(record):
            return {}
        document = json.loads(self._store.blobs.read(record.id))
        if not isinstance(document, dict):
            raise InvalidArgument(f"the configuration of image `{record.id}` is not an object")
        return document
