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
from runtime.build.remotecache.documents import KnownStep
from runtime.build.remotecache.imports import Imports
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

    def __init__(self, database: Database, layers: LayerStore, imports: Imports | None = None) -> None:
        self._database = database
        self._layers = layers
        self._imports = imports
        self._boot_id = process.boot_id()
        self._lock = threading.Lock()
        self._files: dict[Signature, str] = {}
        self._known = KnownFiles()
        self._used: set[str] = set()
        self.steps: dict[str, KnownStep] = {}
        """Everything that was found or kept; `notes` likewise."""
        self.notes: dict[str, str] = {}
        self.has_new = False
        """Whether there are steps whose layers may not be on the disk yet."""
        self.has_kept = False
        """Whether there is a step that was not there before."""

    def find(self, key: str, on: Sequence[DiffID]) -> KnownStep | None:
        """Return what a step made: a layer that is here, or one that a shared cache offers (Imports.stack brings it).

        Call under the store's lease. Raises Cancelled.
        """
        found = self._find_here(key, on)
        if found is None and self._imports is not None:
            found = self._imports.find(key)
        if found is not None:
            with self._lock:
                self._used.add(key)
                self.steps[key] = found
        return found

    def _find_here(self, key: str, on: Sequence[DiffID]) -> KnownStep | None:
        names = self._imports.names if self._imports is not None else []
        for row in builds.find_steps(self._database.read(), key, self._boot_id, names):
            diff_id = DiffID(row.diff_id)
            if self._layers.find(diff_id, chain_ids([*on, diff_id])[-1]) is not None:
                return KnownStep(Layer(diff_id, row.size_bytes), row.made_ns)
        return None

    def keep(self, key: str, layer: Layer) -> KnownStep:
        """Remember a step that was done."""
        step = KnownStep(layer, self._layers.made_ns(layer.diff_id))
        row = builds.StepRow(key, layer.diff_id, layer.size_bytes, step.made_ns)
        with self._database.transaction() as connection:
            builds.insert_step(connection, row, self._boot_id)
        self.has_new = self.has_kept = True
        with self._lock:
            self.steps[key] = step
        return step

    def find_own(self, key: str) -> Layer | None:
        """Return a source that was fetched on this machine. Shared caches are not asked, and do not get it.

        Call under the store's lease.
        """
        found = self._find_here(key, ())
        if found is not None:
            with self._lock:
                self._used.add(key)
        return None if found is None else found.layer

    def keep_own(self, key: str, layer: Layer) -> None:
        """Remember a source that was fetched."""
        row = builds.StepRow(key, layer.diff_id, layer.size_bytes, self._layers.made_ns(layer.diff_id))
        with self._database.transaction() as connection:
            builds.insert_step(connection, row, self._boot_id)
        self.has_new = self.has_kept = True

    def begin_again(self) -> None:
        """Forget what was found; what was kept is found again."""
        with self._lock:
            self.steps.clear()
            self.notes.clear()

    def find_own_note(self, key: str) -> str | None:
        """Return what a server said, which is no business of others."""
        return builds.find_note(self._database.read(), key)

    def keep_own_note(self, key: str, text: str) -> None:
        """Note what a server says, in the place of what it said before."""
        with self._database.transaction() as connection:
            builds.insert_note(connection, key, text)

    def find_note(self, key: str) -> str | None:
        """Return what was noted under a key. Raises Cancelled."""
        found = builds.find_note(self._database.read(), key)
        if found is None and self._imports is not None:
            found = self._imports.find_note(key)
        if found is not None:
            with self._lock:
                self.notes[key] = found
        return found

    def keep_note(self, key: str, digest: str) -> None:
        """Note what follows from a key for ever."""
        with self._database.transaction() as connection:
            builds.insert_note(connection, key, digest)
        with self._lock:
            self.notes[key] = digest

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
        brought = self._imports.here() if self._imports is not None else {}
        if not (files or stale or brought or layers_are_synced):
            # Nothing is written then, so that nothing has to be synced when the state is closed.
            return
        with self._database.transaction() as connection:
            rows = [(*_numbers(signature), digest) for signature, digest in files.items()]
            builds.insert_files(connection, rows, _MOST_FILES)
            builds.touch_steps(connection, stale)
            if layers_are_synced:
                builds.settle(connection, self._boot_id)
                self.has_new = False
            for key, (source, step) in brought.items():
                # Layers from elsewhere are on the disk as soon as they have their place.
                row = builds.StepRow(key, step.layer.diff_id, step.layer.size_bytes, step.made_ns, source)
                builds.insert_step(connection, row, boot_id="")
                if (blob := step.blob) is not None and self._layers.blobs.has(blob.digest):
                    builds.insert_blob(connection, row.diff_id, blob.digest, blob.media_type, blob.size_bytes)

    def trim(self, most_bytes: int) -> None:
        """Forget the steps that were of no use for longest, until the layers of the others are no more than that.

        Layers that nobody knows then go with the next collection.
        """
        with self._database.transaction() as connection:
            kept_bytes = 0
            doomed = []
            for step in reversed(builds.steps(connection)):
                kept_bytes += step.size_bytes
                if kept_bytes > most_bytes:
                    doomed.append(step)
            builds.remove_steps(connection, doomed)


def _numbers(signature: Signature) -> tuple[int, int, int, int, int]:
    return (
        signature.device & _POSITIVE,
        signature.inode & _POSITIVE,
        signature.size_bytes,
        signature.modified_ns,
        signature.changed_ns,
    )
