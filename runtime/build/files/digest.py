"""The digest of what is copied: two trees with the same one make the same layer, but for times.

What counts is what BuildKit's contenthash counts: names, types, modes, owners, sizes, targets of links, numbers of
devices, extended attributes and bytes. Times do not, so that a fresh clone of a repository finds the cache of the old.
"""

import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from typing import Protocol

from runtime.build.files.source import Item
from runtime.image.content import CHUNK_BYTES
from schemas.dataclass import dataclass

_JSON = json.JSONEncoder(sort_keys=True)
_YOUNG_NS = 2 * 10**9
"""A file changed so shortly ago may change again under the same time (file systems count in ticks)."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What says that a file is the one whose bytes were read before."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int


class KnownDigests(Protocol):
    """Digests of files by their signature."""

    def digest_of(self, signature: Signature) -> str | None:
        """Return the digest of a file that was read before."""

    def keep_digest(self, signature: Signature, digest: str) -> None:
        """Remember one."""

    def go_on(self) -> None:
        """Raise KeyboardInterrupt when nobody wants to know any more: a file may be large."""


class NothingKnown:
    """For trees that are read once."""

    def digest_of(self, signature: Signature) -> str | None:  # noqa: ARG002 - the protocol's
        """Know nothing."""
        return None

    def keep_digest(self, signature: Signature, digest: str) -> None:
        """Remember nothing."""

    def go_on(self) -> None:
        """Go on: whoever wants to end it kills the process."""


class TreeDigest:
    """The digest of items in the order they are added."""

    def __init__(self, known: KnownDigests, *, owned_by_root: bool) -> None:
        """`owned_by_root`: owners do not count, as of a build context."""
        self._hash = hashlib.sha256()
        self._known = known
        self._owned_by_root = owned_by_root

    def begin(self, name: str) -> None:
        """Say that the items of another source follow."""
        self._add({"source": name})

    def add(self, item: Item, attributes: Mapping[str, bytes] | None = None, content: str = "") -> None:
        """Add an item; its extended attributes, and the digest of its content, where the caller has read them.

        Raises OSError, NotFound.
        """
        status = item.status
        record: dict[str, object] = {"path": item.path, "mode": status.st_mode}
        if not self._owned_by_root:
            record["owner"] = [status.st_uid, status.st_gid]
        if attributes is None:
            attributes = item.attributes()
        if attributes:
            record["xattrs"] = {name: value.hex() for name, value in attributes.items()}
        if stat.S_ISREG(status.st_mode):
            record["size"] = status.st_size
            record["content"] = content or file_digest(item, self._known)
        elif stat.S_ISLNK(status.st_mode):
            record["link"] = item.link()
        elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            record["device"] = status.st_rdev
        self._add(record)

    def hexdigest(self) -> str:
        """Return the digest of all that was added."""
        return self._hash.hexdigest()

    def _add(self, record: Mapping[str, object]) -> None:
        # ASCII, one line a record: no name can be taken for the end of one.
        self._hash.update(_JSON.encode(record).encode() + b"\n")


def file_digest(item: Item, known: KnownDigests) -> str:
    """Return the digest of a file's bytes. Raises OSError, NotFound."""
    signature = signature_of(item.status)
    found = known.digest_of(signature)
    if found is not None:
        return found
    descriptor = item.open()
    try:
        before = os.fstat(descriptor)
        result = hashlib.sha256()
        while piece := os.read(descriptor, CHUNK_BYTES):
            result.update(piece)
            known.go_on()
        if is_settled(before) and signature_of(os.fstat(descriptor)) == signature_of(before):
            known.keep_digest(signature_of(before), result.hexdigest())
        return result.hexdigest()
    finally:
        os.close(descriptor)


def signature_of(status: os.stat_result) -> Signature:
    """Return a file's signature."""
    return Signature(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def is_settled(status: os.stat_result) -> bool:
    """Whether a file was left alone for long enough that its times can be relied on."""
    return max(status.st_mtime_ns, status.st_ctime_ns) < time.time_ns() - _YOUNG_NS
