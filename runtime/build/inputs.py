"""What a step reads: found, and known by the digest of its content.

Of a context only the files that a step names are looked at, and of those only such as changed since the last time.
"""

import itertools
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from runtime.build import programs
from runtime.build.cache import BuildCache, key_of
from runtime.build.dockerfile.remotes import SourceKind, kind_of
from runtime.build.download import download
from runtime.build.files import matching
from runtime.build.files.bringing import Selection, digest_of, literal_pattern
from runtime.build.files.digest import KnownDigests, Signature, signature_of
from runtime.build.files.source import SourceTree
from runtime.build.plan import BindMount, CacheMount, ContextSource, CopyStep, RunStep, Source, Step
from runtime.build.remotecache.imports import Imports
from runtime.build.roots import FolderRoot, Root, Surroundings
from runtime.build.work import CopyWork, RunWork
from runtime.build.worker.client import BuildWorker
from runtime.build.worker.messages import Files, Part, ReadDigest
from runtime.errors import EngineError, NotFound, Unsupported
from runtime.image.content import BlobStore
from runtime.image.identity import chain_ids
from runtime.syscall.tree import remove_tree

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
Roots = Callable[[Source], Root]
"""Finds what a source of the plan is: the layers of an image or a stage, or a folder."""


class Inputs:
    """The inputs of a build's steps. Every method may be called from several threads."""

    def __init__(
        self,
        cache: BuildCache,
        imports: Imports,
        blobs: BlobStore,
        worker: BuildWorker,
        around: Surroundings,
        on_change: Callable[[], None],
    ) -> None:
        """`on_change` is called for a file that is not as the last build left it, while others are still looked at."""
        self._cache = cache
        self._known = _Watched(cache, on_change)
        self._imports = imports
        self._blobs = blobs
        self._worker = worker
        self._around = around
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._downloads = 0

    def close(self) -> None:
        """Remove what was downloaded. Idempotent."""
        if self._folder is not None:
            remove_tree(self._folder)
            self._folder = None

    def look_ahead(self, steps: Iterable[Step], roots: Roots) -> None:
        """Look at the files that steps name, which is soon done: a change in them is known before all is looked at."""
        for step in steps:
            if not isinstance(step, CopyStep) or not isinstance(step.source, ContextSource):
                continue
            with suppress(OSError, ValueError, EngineError):  # whoever copies it says what
                root = roots(step.source)
                if not isinstance(root, FolderRoot):
                    continue
                for name in step.sources:
                    status = os.lstat(root.path / name.lstrip("/"))
                    if stat.S_ISREG(status.st_mode):
                        self._known.digest_of(signature_of(status))

    def copying(self, step: CopyStep, roots: Roots) -> CopyWork:
        """Return a COPY or ADD with the digests of what it copies. Raises NotFound, InvalidArgument, OSError."""
        parts = list(self._parts(step, roots))
        digests = tuple(self._digest(root, part) for root, part in parts)
        return CopyWork(step, tuple(parts), digests, self._around.clamp_s)

    def running(self, step: RunStep, roots: Roots) -> RunWork:
        """Return a RUN with the digests of what is mounted. Raises NotFound, InvalidArgument, OSError."""
        mounted: list[str] = []
        digests: list[str] = []
        for mount in step.mounts:
            if not isinstance(mount, BindMount | CacheMount):
                continue
            root = roots(mount.source)
            if isinstance(root, FolderRoot):
                if isinstance(mount, BindMount):
                    part = Part(Files(), (literal_pattern(mount.path),))
                    digests.append(self._digest(root, part))
            else:
                mounted.append(chain_ids(root.diff_ids)[-1] if root.diff_ids else "scratch")
        network = programs.network_of(step, self._around)
        return RunWork(step, network, self._around, tuple(mounted), tuple(digests))

    def files(self, root: Root) -> Files:
        """Return a root as the worker finds it, its layers brought. Raises LayersLost, NotFound, Cancelled."""
        if isinstance(root, FolderRoot):
            return Files(folder=str(root.path), ignore=root.ignore, owned_by_root=True)
        return Files(lowers=self._imports.stack(root.diff_ids))

    def _parts(self, step: CopyStep, roots: Roots) -> Iterator[tuple[Root, Part]]:
        """Yield what is copied in order, local files that stand side by side together."""
        for kind, group in itertools.groupby(step.sources, kind_of if step.add else _local):
            sources = tuple(group)
            if kind is SourceKind.LOCAL:
                root = roots(step.source)
                unpack = step.add if step.unpack is None else step.unpack
                yield root, Part(Files(), sources, step.exclude, step.parents, unpack)
            for source in sources if kind is SourceKind.URL else ():
                yield self._downloaded(source, step)
            if kind is SourceKind.GIT:
                raise Unsupported(f"`ADD {sources[0]}`: git repositories cannot be added yet", hint="clone it in a RUN")

    def _downloaded(self, url: str, step: CopyStep) -> tuple[Root, Part]:
        with self._lock:
            self._downloads += 1
            folder = self._scratch() / str(self._downloads)
        folder.mkdir()
        name = download(url, folder, step.checksum)
        root = FolderRoot(folder)
        return root, Part(Files(), (literal_pattern(name),), unpack=bool(step.unpack))

    def _scratch(self) -> Path:
        if self._folder is None:
            self._folder = self._blobs.scratch()
        return self._folder

    def _digest(self, root: Root, part: Part) -> str:
        selection = Selection(part.patterns, part.exclude, part.parents)
        if isinstance(root, FolderRoot):
            with _opened(root) as tree:
                return digest_of(tree, selection, self._known, owned_by_root=True)
        key = key_of("files", root.diff_ids, [part.patterns, part.exclude, part.parents])
        known = self._cache.find_note(key)
        if known is None:
            scratch = self._blobs.scratch()
            try:
                task = ReadDigest(replace(part, files=self.files(root)), str(scratch))
                (known,) = self._worker.do(task).digests
            finally:
                remove_tree(scratch)
            self._cache.keep_note(key, known)
        return known


class _Watched:
    """Digests of files by their signature, that tells of files without."""

    def __init__(self, known: KnownDigests, on_change: Callable[[], None]) -> None:
        self._known = known
        self._on_change = on_change

    def digest_of(self, signature: Signature) -> str | None:
        """Return the digest of a file that was read before."""
        found = self._known.digest_of(signature)
        if found is None:
            self._on_change()
        return found

    def keep_digest(self, signature: Signature, digest: str) -> None:
        """Remember one."""
        self._known.keep_digest(signature, digest)


def _local(_: str) -> SourceKind:
    """COPY knows files only."""
    return SourceKind.LOCAL


@contextmanager
def _opened(root: FolderRoot) -> Iterator[SourceTree]:
    try:
        descriptor = os.open(root.path, _FOLDER)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise NotFound(f"cannot open the build context `{root.path}`: {reason}") from error
    try:
        yield SourceTree(descriptor, matching.rules(root.ignore))
    finally:
        os.close(descriptor)
