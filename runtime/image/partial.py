"""A blob that is being downloaded: one writer at a time on the machine, and whoever comes next goes on where it ended.

The file is `ingest/<hex>.partial`; its lock is an flock(2), so that it dies with its holder. Its content is
worth nothing until its digest was seen, and its name is the blob's from then on.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator

from runtime.errors import InvalidArgument
from runtime.image.content import CHUNK_BYTES, BlobStore

_POLL_S = 0.05


class PartialBlob:
    """One blob on its way into the store, locked. Use as a context manager, under the store's lease."""

    def __init__(self, blobs: BlobStore, digest: str, size_bytes: int, wait: Callable[[], None]) -> None:
        """`wait` is called again and again while somebody else downloads the same; it may raise."""
        self._blobs = blobs
        self._digest = digest
        self._limit_bytes = size_bytes
        self._wait = wait
        self._path = blobs.partial(digest)
        self._descriptor = -1
        self._hash = hashlib.sha256()
        self.size_bytes = 0
        """What is there and hashed."""

    def __enter__(self) -> "PartialBlob":
        while self._descriptor < 0:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                self._lock(descriptor)
                if self._is_current(descriptor):
                    self._descriptor = descriptor
            finally:
                if self._descriptor != descriptor:
                    os.close(descriptor)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_current(self._descriptor) and not os.fstat(self._descriptor).st_size:
            self._path.unlink()
        os.close(self._descriptor)

    def kept(self) -> Iterator[bytes]:
        """Yield, and hash, what an earlier download left. Read it to its end before `write`."""
        if os.fstat(self._descriptor).st_size > self._limit_bytes:
            self.restart()
        while piece := os.pread(self._descriptor, CHUNK_BYTES, self.size_bytes):
            self._hash.update(piece)
            self.size_bytes += len(piece)
            yield piece

    def write(self, content: bytes) -> None:
        """Append. Raises InvalidArgument as soon as there is more than there should be."""
        if self.size_bytes + len(content) > self._limit_bytes:
            raise InvalidArgument(f"blob `{self._digest}` is larger than the {self._limit_bytes} bytes it should have")
        self._hash.update(content)
        remaining = memoryview(content)
        while remaining:
            written = os.pwrite(self._descriptor, remaining, self.size_bytes)
            remaining, self.size_bytes = remaining[written:], self.size_bytes + written

    @property
    def missing_bytes(self) -> int:
        """How much has still to come."""
        return self._limit_bytes - self.size_bytes

    @property
    def is_whole(self) -> bool:
        """Whether the content is the blob's. Ask when nothing is missing."""
        return f"sha256:{self._hash.hexdigest()}" == self._digest

    def restart(self) -> None:
        """Throw away what is there."""
        os.ftruncate(self._descriptor, 0)
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def commit(self) -> None:
        """Give the blob its name. Call once it is whole."""
        os.fsync(self._descriptor)
        self._blobs.adopt(self._path, self._digest)

    def _lock(self, descriptor: int) -> None:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._wait()
                time.sleep(_POLL_S)
            else:
                return

    def _is_current(self, descriptor: int) -> bool:
        """Whether the name still leads to the open file: whoever had the lock may have made a blob of it."""
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(descriptor))
