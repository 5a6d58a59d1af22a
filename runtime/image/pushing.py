"""Pushing: from an image of the store to a name in a registry."""

import io
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO, BinaryIO, cast

from runtime.errors import FailedPrecondition
from runtime.image.content import BlobStore
from runtime.image.packing import is_plain, packed, with_layers
from runtime.registry.client import Repository
from runtime.registry.session import Patience
from schemas.dataclass import dataclass
from schemas.engine.identifiers import short
from schemas.engine.transfers import PushedImage, TransferEvent, TransferStage
from schemas.oci.image import Descriptor

PARALLEL_LAYERS = 3
_REPORT_EVERY_BYTES = 1 << 19


@dataclass(frozen=True, slots=True)
class Target:
    """Where an image goes, and who is told."""

    repository: Repository
    tag: str
    relatives: Callable[[int], Sequence[str]]
    """Repositories of the same registry that may have a layer, by its position, so that it need not be sent."""
    patience: Callable[[], Patience]
    report: Callable[[TransferEvent], None]


class Pusher:
    """Pushes one image. Call everything under the store's lease."""

    def __init__(self, blobs: BlobStore, target: Target) -> None:
        self._blobs = blobs
        self._target = target
        self._failures: list[BaseException] = []

    def push(self, manifest: bytes, layers: Sequence[Descriptor]) -> tuple[bytes, PushedImage]:
        """Push the image of a manifest; return the manifest as it was pushed, and what it is there.

        Raises PermissionDenied, Unavailable, FailedPrecondition for a blob that is damaged, Cancelled.
        """
        sent: list[Descriptor] = list(layers)
        for layer in reversed(layers):
            self._target.report(TransferEvent(short(layer.digest), TransferStage.PREPARING))
        done: set[str] = set()
        queue: deque[int] = deque()
        for position, layer in enumerate(layers):
            if layer.digest not in done:
                queue.append(position)
                done.add(layer.digest)
        self._work_off(queue, layers, sent)
        by_digest = {layer.digest: sent[position] for position, layer in reversed(list(enumerate(layers)))}
        content, whole = with_layers(manifest, tuple(by_digest[layer.digest] for layer in layers))
        self._send_blob(whole.config, lambda _: None)
        digest = self._target.repository.put_manifest(self._target.tag, whole.media_type, content)
        return content, PushedImage(digest, len(content))

    def _work_off(self, queue: deque[int], layers: Sequence[Descriptor], sent: list[Descriptor]) -> None:
        def work() -> None:
            while not self._failures:
                try:
                    position = queue.popleft()
                except IndexError:
                    return
                try:
                    sent[position] = self._send_layer(position, layers[position])
                except BaseException as error:  # noqa: BLE001 - raised again on the thread of `push`
                    self._failures.append(error)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(PARALLEL_LAYERS, len(queue)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _send_layer(self, position: int, layer: Descriptor) -> Descriptor:
        name, report = short(layer.digest), self._target.report
        patience = self._target.patience()
        if is_plain(layer):
            layer = packed(self._blobs, layer, patience.check)
        repository = self._target.repository
        if repository.has_blob(layer.digest):
            report(TransferEvent(name, TransferStage.PRESENT))
            return layer
        for source in self._target.relatives(position):
            if repository.mount(layer.digest, source):
                report(TransferEvent(name, TransferStage.MOUNTED, source=source))
                return layer
        size_bytes = layer.size_bytes

        def tell(done_bytes: int) -> None:
            patience.check()
            report(TransferEvent(name, TransferStage.PUSHING, done_bytes, size_bytes))

        self._send_blob(layer, tell)
        report(TransferEvent(name, TransferStage.PUSHED))
        return layer

    def _send_blob(self, descriptor: Descriptor, tell: Callable[[int], None]) -> None:
        digest = descriptor.digest
        if not self._blobs.verify(digest, descriptor.size_bytes):
            raise FailedPrecondition(
                f"blob `{digest}` of the image is damaged or gone", hint="pull, load or build the image again"
            )
        repository = self._target.repository
        if repository.has_blob(digest):
            return

        def opened() -> IO[bytes]:
            return cast("IO[bytes]", _Told(self._blobs.open(digest), tell))

        repository.upload(digest, descriptor.size_bytes, opened)


class _Told(io.RawIOBase):
    """A file whose reader's progress is told."""

    def __init__(self, file: BinaryIO, tell: Callable[[int], None]) -> None:
        self._file = file
        self._tell = tell
        self._read_bytes = 0
        self._told_bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        """Read, and tell now and then."""
        content = self._file.read(size)
        self._read_bytes += len(content)
        if self._read_bytes - self._told_bytes >= _REPORT_EVERY_BYTES or not content:
            self._told_bytes = self._read_bytes
            self._tell(self._read_bytes)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go on from another place: what stands before it was sent earlier."""
        self._read_bytes = self._told_bytes = self._file.seek(offset, whence)
        return self._read_bytes

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
