"""The build cache: a step that was done on the same layers with the same files is not done again.

A step's key is the digest of the ChainID it is done on, of the step as it is after expansion, and of the content of the
files it reads. It says what the layers are, not what they are called or labelled, so that no image made to look like
another one is taken for it (CVE-2024-24557). The layer found must be unpacked; that is all that is asked of it.
"""

import hashlib
import json
import threading
import time
from collections.abc import Sequence

from runtime.build.files.digest import Signature
from runtime.build.known_files import KnownFiles
from runtime.image.identity import chain_ids
from runtime.image.layers import Layer, LayerStore
from runtime.state import builds
from runtime.state.database import Database
from runtime.syscall import process
from schemas.engine.identifiers import DiffID

_FORMAT = 1
"""A change of what steps mean makes all keys others."""
_MOST_FILES = 500_000
_USE_COUNTS_NS = 3600 * 10**9
"""A step's last use is told to the hour: what is in use is not what goes first."""
_POSITIVE = (1 << 63) - 1
"""What SQLite takes for an integer."""


def key_of(kind: str, on: Sequence[DiffID], what: object) -> str:
    """Return the key of something done on layers, lowest first; `what` is what JSON can write."""
    chain = chain_ids(on)[-1] if on else "scratch"
    document = json.dumps([_FORMAT, kind, chain, what], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(document.encode()).hexdigest()


class BuildCache:
    """Steps, notes and digests of files in the state. Every method may be called from several threads."""

    def __init__(self, database: Database, layers: LayerStore) -> None:
        self._database = database
        self._layers = layers
        self._boot_id = process.boot_id()
        self._lock = threading.Lock()
        self._files: dict[Signature, str] = {}
        self._known = KnownFiles()
        self._used: set[str] = set()

    def find(self, key: str, on: Sequence[DiffID]) -> Layer | None:
        """Return the layer that a step made. Call under the store's lease."""
        found = builds.find_step(self._database.read(), key, self._boot_id)
        if found is None:
            return None
        diff_id, size_bytes = DiffID(found[0]), found[1]
        if self._layers.find(diff_id, chain_ids([*on, diff_id])[-1]) is None:
            return None
        with self._lock:
            self._used.add(key)
        return Layer(diff_id, size_bytes)

    def keep(self, key: str, layer: Layer) -> None:
        """Remember a step."""
        with self._database.transaction() as connection:
            builds.insert_step(connection, key, layer.diff_id, layer.size_bytes, self._boot_id)

    def find_note(self, key: str) -> str | None:
        """Return what was noted under a key."""
        return builds.find_note(self._database.read(), key)

    def keep_note(self, key: str, digest: str) -> None:
        """Note what follows from a key for ever."""
        with self._database.transaction() as connection:
            builds.insert_note(connection, key, digest)

    def digest_of(self, signature: Signature) -> str | None:
        """Return the digest of a file that was read before."""
        numbers = _numbers(signature)
        with self._lock:
            fresh = self._files.get(signature)
            return fresh or self._known.find(self._database.read(), numbers[0], numbers[1], numbers[2:])

    def keep_digest(self, signature: Signature, digest: str) -> None:
        """Remember the digest of a file, from `settle` on for other builds too."""
        with self._lock:
            self._files[signature] = digest

    def settle(self, *, layers_are_synced: bool) -> None:
        """Write down what the build learned; with the layers on the disk, its steps count after a power cut too."""
        with self._lock:
            files, used = dict(self._files), set(self._used)
            self._files.clear()
            self._used.clear()
        stale = builds.untouched_steps(self._database.read(), used, time.time_ns() - _USE_COUNTS_NS)
        if not (files or stale or layers_are_synced):
            # Nothing is written then, so that nothing has to be synced when the state is closed.
            return
        with self._database.transaction() as connection:
            rows = [(*_numbers(signature), digest) for signature, digest in files.items()]
            builds.insert_files(connection, rows, _MOST_FILES)
            builds.touch_steps(connection, stale)
            if layers_are_synced:
                builds.settle(connection, self._boot_id)

    def trim(self, most_bytes: int) -> None:
        """Forget the steps that were of no use for longest, until the layers of the others are no more than that.

        Layers that nobody knows then go with the next collection.
        """
        with self._database.transaction() as connection:
            kept_bytes = 0
            doomed = []
            for key, _, size_bytes, _ in reversed(builds.steps(connection)):
                kept_bytes += size_bytes
                if kept_bytes > most_bytes:
                    doomed.append(key)
            builds.remove_steps(connection, doomed)


def _numbers(signature: Signature) -> tuple[int, int, int, int, int]:
    return (
        signature.device & _POSITIVE,
        signature.inode & _POSITIVE,
        signature.size_bytes,
        signature.modified_ns,
        signature.changed_ns,
    )
