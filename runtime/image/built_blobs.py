"""The blob store, and in it the archives of layers that were built here: they are made when somebody reads them.

A build writes each layer once, as the folder that overlayfs needs. Its uncompressed archive is a blob all the
same, with the DiffID as its digest; it is put together from the folder and its tar-split.
"""

from pathlib import Path
from typing import BinaryIO

from runtime.image import tar_split
from runtime.image.content import BlobStore
from runtime.image.identity import hexadecimal
from runtime.image.layers import FILES, TAR_SPLIT, built_layer


class BuiltBlobs(BlobStore):
    """Blobs by digest, stored or derived."""

    def has(self, digest: str) -> bool:
        """Whether the blob is there."""
        return super().has(digest) or self._split(digest).exists()

    def size(self, digest: str) -> int:
        """Return a blob's size in bytes. Raises NotFound."""
        try:
            return tar_split.archive_bytes(self._split(digest))
        except FileNotFoundError:
            return super().size(digest)

    def open(self, digest: str) -> BinaryIO:
        """Open a blob to stream it; its reader checks the digest. Raises NotFound."""
        try:
            split = self._split(digest)
            return tar_split.opened(split, split.with_name(FILES))
        except FileNotFoundError:
            return super().open(digest)

    def drop(self, digest: str) -> None:
        """Remove a blob that is damaged, also one that was made from a folder."""
        super().drop(digest)
        self._split(digest).unlink(missing_ok=True)

    def _split(self, digest: str) -> Path:
        return built_layer(self.root, hexadecimal(digest)) / TAR_SPLIT
