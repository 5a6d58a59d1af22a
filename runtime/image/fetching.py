"""Bringing the layers of one image into the store: three at a time, unpacked while they are downloaded.

    registry ──▶ PartialBlob (hashed, counted, kept) ──▶ blobs/
            └──▶ pipe ──▶ unpack worker (decompressed, hashed, unpacked) ──▶ scratch folder ──▶ layers/

A layer that two pulls want is downloaded by one of them. One whose tar leaves out a parent folder takes its place
when all are there, since it needs those below it; every other one as soon as it is unpacked.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import field
from pathlib import Path

from runtime.errors import EngineError, InvalidArgument, NotFound, PermissionDenied, Unavailable
from runtime.image.content import CHUNK_BYTES
from runtime.image.identity import chain_ids
from runtime.image.layers import LayerStore, Tree
from runtime.image.partial import PartialBlob
from runtime.image.unpackers import Unpackers, Unpacking
from runtime.registry.client import BlobStream, Repository
from runtime.registry.session import Patience
from runtime.registry.transport import Busy, Cut
from runtime.syscall.tree import remove_tree
from schemas.dataclass import dataclass
from schemas.engine.identifiers import ChainID, DiffID, short
from schemas.engine.transfers import TransferEvent, TransferStage
from schemas.oci.image import Descriptor

PARALLEL_LAYERS = 3
_ENCOURAGING_BYTES = 1 << 20
"""So much between two cuts, and the patience begins anew."""
_REPORT_EVERY_S = 0.1
_CHECKS = 2
"""How often a blob is fetched whose content turns out to be another."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where layers come from, and who is told."""

    repositories: tuple[Repository, ...]
    """In the order to ask; the last one decides."""
    patience: Callable[[], Patience]
    report: Callable[[TransferEvent], None]


@dataclass(slots=True)
class _Layer:
    """A blob that is wanted, and its first place in the image."""

    descriptor: Descriptor
    position: int
    told_s: float = 0.0

    def event(self, stage: TransferStage, current_bytes: int = 0) -> TransferEvent:
        """Return the event that tells of it."""
        # From the beginning, so that the sum of all layers is known.
        total = 0 if stage.is_final else self.descriptor.size_bytes
        return TransferEvent(short(self.descriptor.digest), stage, current_bytes, total)


@dataclass(slots=True)
class _Waiting:
    """An unpacked layer that has to wait for those below."""

    tree: Tree
    scratch: Path


@dataclass(slots=True)
class LayerFetcher:
    """The layers of one image. Call everything under the store's lease."""

    layers: LayerStore
    unpackers: Unpackers
    source: Source
    descriptors: Sequence[Descriptor]
    diff_ids: Sequence[DiffID]
    _chain: list[ChainID] = field(default_factory=list)
    _waiting: dict[int, _Waiting] = field(default_factory=dict)
    _failures: list[BaseException] = field(default_factory=list)

    def fetch(self) -> None:
        """Return when every layer is a blob, verified, and unpacked.

        Raises Unavailable, NotFound, PermissionDenied, Cancelled, InvalidArgument, ResourceExhausted.
        """
        self._chain = chain_ids(self.diff_ids)
        wanted: dict[str, _Layer] = {}
        for position, descriptor in enumerate(self.descriptors):
            wanted.setdefault(descriptor.digest, _Layer(descriptor, position))
        for layer in wanted.values():
            if not (self._is_unpacked(layer.position) and self.layers.blobs.has(layer.descriptor.digest)):
                self.source.report(layer.event(TransferStage.PULLING))
        try:
            self._bring_all(deque(wanted.values()))
            self._settle_the_rest()
        finally:
            for waiting in self._waiting.values():
                remove_tree(waiting.scratch)

    def _bring_all(self, queue: deque[_Layer]) -> None:
        # Not concurrent.futures: its threads would hold up a second Ctrl-C.
        threads = [
            threading.Thread(target=self._work, args=(queue,), name=f"layers-{number}", daemon=True)
            for number in range(min(PARALLEL_LAYERS, len(queue)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _work(self, queue: deque[_Layer]) -> None:
        while not self._failures:
            try:
                layer = queue.popleft()
            except IndexError:
                return
            try:
                self._bring(layer)
            except BaseException as error:  # noqa: BLE001 - raised again on the thread of `fetch`
                self._failures.append(error)

    def _bring(self, layer: _Layer) -> None:
        descriptor, blobs = layer.descriptor, self.layers.blobs
        patience = self.source.patience()
        patience.check()
        if self._is_unpacked(layer.position) and blobs.verify(descriptor.digest, descriptor.size_bytes):
            self.source.report(layer.event(TransferStage.EXISTS))
            return

        def wait() -> None:
            patience.check()
            self._tell(layer, TransferStage.WAITING, 0)

        with PartialBlob(blobs, descriptor.digest, descriptor.size_bytes, wait) as partial:
            scratch = None if self._is_unpacked(layer.position) else blobs.scratch()
            try:
                if blobs.verify(descriptor.digest, descriptor.size_bytes):
                    tree = self._unpack_stored(layer, scratch)
                else:
                    tree = self._download(layer, partial, scratch)
                if tree is not None and scratch is not None:
                    scratch = self._place(layer.position, tree, scratch)
            finally:
                if scratch is not None:
                    remove_tree(scratch)
        self.source.report(layer.event(TransferStage.PULLED))

    def _place(self, position: int, tree: Tree, scratch: Path) -> Path | None:
        """Settle a layer, or let it wait; return the scratch folder if it is still to be removed."""
        expected = self.diff_ids[position]
        if tree.diff_id != expected:
            raise InvalidArgument(f"layer `{expected}` unpacks to content with DiffID `{tree.diff_id}`")
        if tree.implied:
            self._waiting[position] = _Waiting(tree, scratch)
            return None
        self.layers.settle(tree, scratch, self.diff_ids[:position])
        return scratch

    def _settle_the_rest(self) -> None:
        for position, descriptor in enumerate(self.descriptors):
            waiting = self._waiting.pop(position, None)
            if waiting is None and not self._is_unpacked(position):
                # The same blob as a layer further down, which stands by what is below it.
                scratch = self.layers.blobs.scratch()
                tree = self._unpack_stored(_Layer(descriptor, position), scratch)
                waiting = _Waiting(tree, scratch) if tree is not None else None
            if waiting is None:
                continue
            try:
                self.layers.settle(waiting.tree, waiting.scratch, self.diff_ids[:position])
            finally:
                remove_tree(waiting.scratch)

    def _download(self, layer: _Layer, partial: PartialBlob, scratch: Path | None) -> Tree | None:
        """Fetch a blob, unpacking it into `scratch` on the way."""
        repositories = list(self.source.repositories)
        for _ in range(_CHECKS):
            unpacking = self.unpackers.begin(scratch) if scratch is not None else None
            try:
                for piece in partial.kept():
                    _feed(unpacking, piece)
                self._receive(layer, partial, unpacking, repositories)
                if partial.is_whole:
                    partial.commit()
                    self._tell(layer, TransferStage.EXTRACTING, layer.descriptor.size_bytes)
                    ended, unpacking = unpacking, None
                    return _finished(layer, ended) if ended is not None else None
            finally:
                if unpacking is not None:
                    unpacking.abandon()
            # A mirror that lies is not asked again.
            repositories = repositories[1:] or repositories
            partial.restart()
            if scratch is not None:
                remove_tree(scratch)
                scratch.mkdir(mode=0o700)
        raise InvalidArgument(
            f"layer verification failed for digest `{layer.descriptor.digest}`: the registry sent something else",
            hint="try again; if it stays so, the registry, a mirror or a proxy in between is at fault",
        )

    def _receive(
        self, layer: _Layer, partial: PartialBlob, unpacking: Unpacking | None, repositories: Sequence[Repository]
    ) -> None:
        """Append what is missing, over as many connections as it takes."""
        patience = self.source.patience()
        while partial.missing_bytes:
            begun_at = partial.size_bytes
            failure: EngineError
            try:
                stream = _open(repositories, layer.descriptor.digest, begun_at)
                try:
                    self._append(layer, partial, unpacking, stream)
                finally:
                    stream.close()
                failure = Cut(
                    f"the registry ended blob `{layer.descriptor.digest}` after {partial.size_bytes} of its"
                    f" {layer.descriptor.size_bytes} bytes"
                )
            except (Cut, Busy) as error:
                failure = error
            if partial.size_bytes - begun_at >= _ENCOURAGING_BYTES:
                patience.refresh()
            if not partial.missing_bytes:
                return
            self.source.report(layer.event(TransferStage.RETRYING, partial.size_bytes))
            if not patience.spend(failure.wait_s if isinstance(failure, Busy) else 0.0):
                if partial.size_bytes:
                    failure.hint = failure.hint or "what came is kept: the next pull goes on from there"
                raise failure

    def _append(self, layer: _Layer, partial: PartialBlob, unpacking: Unpacking | None, stream: BlobStream) -> None:
        known_bytes = partial.size_bytes - stream.offset
        patience = self.source.patience()
        for piece in stream.pieces():
            patience.check()
            if self._failures:
                raise self._failures[0]
            fresh = piece[known_bytes:]
            known_bytes = max(0, known_bytes - len(piece))
            partial.write(fresh)
            _feed(unpacking, fresh)
            self._tell(layer, TransferStage.DOWNLOADING, partial.size_bytes)

    def _unpack_stored(self, layer: _Layer, scratch: Path | None) -> Tree | None:
        """Unpack a blob that is in the store."""
        if scratch is None:
            return None
        unpacking = self.unpackers.begin(scratch)
        try:
            with self.layers.blobs.open(layer.descriptor.digest) as file:
                done_bytes = 0
                while piece := file.read(CHUNK_BYTES):
                    unpacking.write(piece)
                    done_bytes += len(piece)
                    self._tell(layer, TransferStage.EXTRACTING, done_bytes)
        except BaseException:
            unpacking.abandon()
            raise
        return _finished(layer, unpacking)

    def _is_unpacked(self, position: int) -> bool:
        return self.layers.find(self.diff_ids[position], self._chain[position]) is not None

    def _tell(self, layer: _Layer, stage: TransferStage, current_bytes: int) -> None:
        now = time.monotonic()
        if now - layer.told_s >= _REPORT_EVERY_S or current_bytes == layer.descriptor.size_bytes:
            layer.told_s = now
            self.source.report(layer.event(stage, current_bytes))


def _finished(layer: _Layer, unpacking: Unpacking) -> Tree:
    try:
        return unpacking.finish()
    except InvalidArgument as error:
        message = f"layer `{layer.descriptor.digest}` cannot be unpacked: {error.message}"
        raise InvalidArgument(message, hint=error.hint) from error


def _feed(unpacking: Unpacking | None, piece: bytes) -> None:
    if unpacking is not None:
        unpacking.write(piece)


def _open(repositories: Sequence[Repository], digest: str, offset: int) -> BlobStream:
    """Begin to read a blob where it can be had: a mirror may have the manifest alone."""
    passing: Cut | Busy | None = None
    for repository in repositories[:-1]:
        try:
            return repository.blob(digest, offset)
        except (NotFound, PermissionDenied, Unavailable) as error:
            passing = error if isinstance(error, Cut | Busy) else passing
    try:
        return repositories[-1].blob(digest, offset)
    except (NotFound, PermissionDenied, Unavailable) as error:
        # Where the mirror alone has it, what ails the mirror decides whether to try again.
        if passing is not None:
            raise passing from error
        raise
