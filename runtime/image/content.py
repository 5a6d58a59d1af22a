"""The blob store: an OCI layout (image-spec, image-layout.md) in the state directory.

    images/
    ├── oci-layout
    ├── blobs/sha256/<hex>    never changed once they have their name
    ├── ingest/               what is being written; swept when nobody writes
    │   └── <hex>.partial     a download, kept for a day for whoever goes on with it
    ├── layers/               see runtime.image.layers
    └── lock                  shared: whoever adds; exclusive: whoever collects garbage

A blob gets its name by rename after it was hashed, counted and synced. So a process that is killed at
any moment leaves a file in ingest/ and nothing else, and two that write the same blob both win.
The lock is a lease too: what was added under a shared lock is not collected before the state knows it.
"""

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from runtime.errors import FailedPrecondition, InvalidArgument, NotFound
from runtime.image.identity import checked_digest, hexadecimal
from runtime.syscall.tree import remove_tree
from schemas.engine.identifiers import Digest

CHUNK_BYTES = 1 << 20
MAX_DOCUMENT_BYTES = 8 << 20
"""Of a manifest or configuration: they are read whole."""
_PARTIAL = ".partial"
_KEPT_S = 24 * 3600
LAYOUT = '{"imageLayoutVersion":"1.0.0"}'


class BlobWriter:
    """A blob on its way into the store. As a context manager it leaves nothing behind unless committed."""

    def __init__(self, directory: Path, ingest: Path, limit_bytes: int | None = None) -> None:
        self._directory = directory
        self._limit_bytes = limit_bytes
        self._path = ingest / f"blob-{os.urandom(8).hex()}"
        self._hash = hashlib.sha256()
        self._file = open(self._path, "xb", buffering=0, opener=_private)  # noqa: SIM115 - __exit__ closes it
        self.size_bytes = 0

    def write(self, content: bytes) -> None:
        """Append. Raises InvalidArgument as soon as the blob is larger than it may be."""
        self.size_bytes += len(content)
        if self._limit_bytes is not None and self.size_bytes > self._limit_bytes:
            raise InvalidArgument(f"the blob is larger than the {self._limit_bytes} bytes it should have")
        self._hash.update(content)
        remaining = memoryview(content)
        while remaining:
            remaining = remaining[self._file.write(remaining) :]

    @property
    def digest(self) -> Digest:
        """Digest of what was written so far."""
        return Digest(f"sha256:{self._hash.hexdigest()}")

    def commit(self, expected: str = "") -> Digest:
        """Give the blob its name. Raises InvalidArgument when it is not the expected one."""
        digest = self.digest
        if expected and digest != expected:
            raise InvalidArgument(f"the content of blob `{expected}` has digest `{digest}`")
        os.fsync(self._file.fileno())
        self._path.rename(self._directory / hexadecimal(digest))
        _sync_directory(self._directory)
        return digest

    def __enter__(self) -> "BlobWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class BlobStore:
    """Blobs by digest. `root` is Paths.images; it is made when something is first written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs" / "sha256"
        self._ingest = root / "ingest"

    def writer(self, *, limit_bytes: int | None = None) -> BlobWriter:
        """Begin a blob. Call under `lease`."""
        return BlobWriter(self._blobs, self._ingest, limit_bytes)

    def add(self, content: bytes) -> Digest:
        """Store a whole blob. Call under `lease`."""
        with self.writer() as writer:
            writer.write(content)
            return writer.commit()

    def has(self, digest: str) -> bool:
        """Whether the blob is there."""
        return self._path(digest).exists()

    def size(self, digest: str) -> int:
        """Return a blob's size in bytes. Raises NotFound."""
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            raise NotFound(f"no such blob: `{digest}`") from None

    def open(self, digest: str) -> BinaryIO:
        """Open a blob to stream it; its reader checks the digest. Raises NotFound."""
        try:
            return self._path(digest).open("rb")
        except FileNotFoundError:
            raise NotFound(f"no such blob: `{digest}`") from None

    def read(self, digest: str) -> bytes:
        """Return a small blob, verified. Raises NotFound, FailedPrecondition for one that is damaged."""
        with self.open(digest) as file:
            content = file.read(MAX_DOCUMENT_BYTES + 1)
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise FailedPrecondition(f"blob `{digest}` is damaged", hint="remove the image and load it again")
        return content

    def digests(self) -> list[Digest]:
        """Return all blobs."""
        try:
            return [checked_digest(f"sha256:{path.name}") for path in self._blobs.iterdir()]
        except FileNotFoundError:
            return []

    def remove(self, digest: str) -> None:
        """Remove a blob. Call under `exclusive`. Idempotent."""
        self._path(digest).unlink(missing_ok=True)

    def drop(self, digest: str) -> None:
        """Remove a blob that is damaged."""
        self.remove(digest)

    def scratch(self) -> Path:
        """Return a new folder that may be renamed into the store. Call under `lease`."""
        path = self._ingest / f"tree-{os.urandom(8).hex()}"
        path.mkdir(mode=0o700)
        return path

    def discard(self, path: Path) -> Path:
        """Move a folder of the store out of sight, for `sweep` to remove. Call under `exclusive`."""
        target = self._ingest / f"gone-{os.urandom(8).hex()}"
        path.rename(target)
        return target

    def leftovers(self) -> list[Path]:
        """Return what killed writers left, but for young downloads. Call under `exclusive`: nobody writes then."""
        try:
            return [path for path in self._ingest.iterdir() if not _is_young_download(path)]
        except FileNotFoundError:
            return []

    def partial(self, digest: str) -> Path:
        """Return where a blob is downloaded to (runtime.image.partial)."""
        return self._ingest / f"{hexadecimal(digest)}{_PARTIAL}"

    def adopt(self, path: Path, digest: str) -> None:
        """Give a file of ingest/, whose content was verified and synced, its name as a blob. Call under `lease`."""
        path.rename(self._path(digest))
        _sync_directory(self._blobs)

    def verify(self, digest: str, size_bytes: int | None = None) -> bool:
        """Whether a blob is there and whole; one that is damaged is removed, so that it can be fetched again."""
        try:
            with self.open(digest) as file:
                whole = size_bytes in (None, self.size(digest)) and _digest_of(file) == digest
        except NotFound:
            return False
        except FailedPrecondition:
            whole = False
        if not whole:
            self.drop(digest)
        return whole

    @staticmethod
    def sweep(paths: list[Path]) -> None:
        """Remove files and folders that were taken from `leftovers` or `discard`."""
        for path in paths:
            remove_tree(path)

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Keep what is added meanwhile, until the state refers to it; waits for a collection to end."""
        self._prepare()
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Keep others from adding; gives False, without waiting, when somebody does."""
        self._prepare()
        try:
            with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield True
        except BlockingIOError:
            yield False

    @contextmanager
    def _locked(self, operation: int) -> Iterator[None]:
        # flock belongs to the open file: every holder has its own, threads too.
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, operation)
            yield
        finally:
            os.close(descriptor)

    def _prepare(self) -> None:
        layout = self.root / "oci-layout"
        if layout.exists():
            return
        # 0710: files of images may be setuid, and no other user of the host may get at them (CVE-2021-41091).
        self.root.mkdir(mode=0o710, parents=True, exist_ok=True)
        self._blobs.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._ingest.mkdir(mode=0o700, exist_ok=True)
        temporary = self.root / f".oci-layout-{os.urandom(4).hex()}"
        temporary.write_text(LAYOUT)
        temporary.rename(layout)

    def _path(self, digest: str) -> Path:
        return self._blobs / hexadecimal(digest)


def _digest_of(file: BinaryIO) -> str:
    found = hashlib.sha256()
    while piece := file.read(CHUNK_BYTES):
        found.update(piece)
    return f"sha256:{found.hexdigest()}"


def _is_young_download(path: Path) -> bool:
    if path.suffix != _PARTIAL:
        return False
    try:
        return path.stat().st_mtime > time.time() - _KEPT_S
    except FileNotFoundError:
        return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Some network file systems cannot; the rename is then as durable as they make it.
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
