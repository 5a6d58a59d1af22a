"""What a step reads: found, and known by the digest of its content.

Of a context only the files that a step names are looked at, and of those only such as changed since the last time.
"""

import itertools
import os
import select
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from runtime.build import programs
from runtime.build.cache import BuildCache, key_of
from runtime.build.dockerfile.remotes import SourceKind, kind_of
from runtime.build.files import matching
from runtime.build.files.bringing import Selection, digest_of, literal_pattern
from runtime.build.files.digest import Signature, signature_of
from runtime.build.files.source import SourceTree
from runtime.build.plan import BindMount, CacheMount, ContextSource, CopyStep, RunStep, Source, Step
from runtime.build.remotecache.imports import Imports
from runtime.build.roots import FolderRoot, LayersRoot, Root, Surroundings
from runtime.build.sources import Sources
from runtime.build.work import CopyWork, RunWork
from runtime.build.worker.client import BuildWorker
from runtime.build.worker.messages import Files, Part, ReadDigest
from runtime.errors import EngineError, NotFound
from runtime.image.content import BlobStore
from runtime.image.identity import chain_ids
from runtime.syscall.tree import remove_tree
from schemas.dataclass import dataclass

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_EVERYTHING = "."
_AGENT = "default"
"""Id of the ssh agent that git has, as with BuildKit; the user's own, where the build is given none."""
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
        sources: Sources,
        on_change: Callable[[], None],
    ) -> None:
        """`on_change` is called for a file that is not as the last build left it, while others are still looked at."""
        self._cache = cache
        self._known = _Watched(cache, on_change)
        self._imports = imports
        self._blobs = blobs
        self._worker = worker
        self._sources = sources

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

    def copying(self, step: CopyStep, roots: Roots, around: Surroundings, cancelled: int | None = None) -> CopyWork:
        """Return a COPY or ADD with the digests of what it copies, fetched where it is elsewhere.

        Raises NotFound, InvalidArgument, OSError, and what Sources does.
        """
        fetching = _Fetching(self._sources, step, around.ssh.get(_AGENT, ""), cancelled)
        parts = list(self._parts(step, roots, fetching))
        digests = tuple(self._digest(root, part, cancelled) for root, part in parts)
        return CopyWork(step, tuple(parts), digests, around.clamp_s)

    def running(self, step: RunStep, roots: Roots, around: Surroundings, cancelled: int | None = None) -> RunWork:
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
                    digests.append(self._digest(root, part, cancelled))
            else:
                mounted.append(chain_ids(root.diff_ids)[-1] if root.diff_ids else "scratch")
        network = programs.network_of(step, around)
        return RunWork(step, network, around, tuple(mounted), tuple(digests))

    def files(self, root: Root) -> Files:
        """Return a root as the worker finds it, its layers brought. Raises LayersLost, NotFound, Cancelled."""
        if isinstance(root, FolderRoot):
            return Files(folder=str(root.path), ignore=root.ignore, owned_by_root=True)
        return Files(lowers=self._imports.stack(root.diff_ids))

    def _parts(self, step: CopyStep, roots: Roots, fetching: "_Fetching") -> Iterator[tuple[Root, Part]]:
        """Yield what is copied in order, local files that stand side by side together."""
        for kind, group in itertools.groupby(step.sources, kind_of if step.add else _local):
            sources = tuple(group)
            if kind is SourceKind.LOCAL:
                root = roots(step.source)
                unpack = step.add if step.unpack is None else step.unpack
                yield root, Part(Files(), sources, step.exclude, step.parents, unpack)
            for source in sources if kind is SourceKind.URL else ():
                file, name = fetching.file(source)
                yield file, Part(Files(), (literal_pattern(name),), unpack=bool(step.unpack))
            for source in sources if kind is SourceKind.GIT else ():
                yield fetching.repository(source), Part(Files(), (_EVERYTHING,), step.exclude)

    def _digest(self, root: Root, part: Part, cancelled: int | None) -> str:
        selection = Selection(part.patterns, part.exclude, part.parents)
        if isinstance(root, FolderRoot):
            with _opened(root) as tree:
                return digest_of(tree, selection, self._known.until(cancelled), owned_by_root=True)
        key = key_of("files", root.diff_ids, [part.patterns, part.exclude, part.parents])
        known = self._cache.find_note(key)
        if known is None:
            scratch = self._blobs.scratch()
            try:
                task = ReadDigest(replace(part, files=self.files(root)), str(scratch))
                (known,) = self._worker.do(task, cancelled=cancelled).digests
            finally:
                remove_tree(scratch)
            self._cache.keep_note(key, known)
        return known


class _Watched:
    """Digests of files by their signature, that tells of files without."""

    def __init__(self, known: BuildCache, on_change: Callable[[], None], cancelled: int | None = None) -> None:
        self._known = known
        self._on_change = on_change
        self._poll = select.poll()
        if cancelled is not None:
            self._poll.register(cancelled, select.POLLIN)

    def until(self, cancelled: int | None) -> "_Watched":
        """Return the same, to be given up once a descriptor is readable."""
        return _Watched(self._known, self._on_change, cancelled)

    def digest_of(self, signature: Signature) -> str | None:
        """Return the digest of a file that was read before."""
        found = self._known.digest_of(signature)
        if found is None:
            self._on_change()
        return found

    def keep_digest(self, signature: Signature, digest: str) -> None:
        """Remember one."""
        self._known.keep_digest(signature, digest)

    def go_on(self) -> None:
        """Raise KeyboardInterrupt when the build is cancelled."""
        if self._poll.poll(0):
            raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class _Fetching:
    """What is elsewhere, for one ADD."""

    sources: Sources
    step: CopyStep
    agent: str
    cancelled: int | None

    def file(self, url: str) -> tuple[LayersRoot, str]:
        return self.sources.file(url, checksum=self.step.checksum, cancelled=self.cancelled)

    def repository(self, reference: str) -> LayersRoot:
        return self.sources.repository(
            reference,
            checksum=self.step.checksum,
            keep_git_dir=self.step.keep_git_dir,
            agent=self.agent,
            cancelled=self.cancelled,
        )


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
