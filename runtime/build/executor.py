"""Carries out the steps of a plan, or finds in the cache that they were carried out before.

It knows no Dockerfile and no image's configuration: layers go in, a step is done on them, a layer comes out. Steps of
stages that do not need one another may be given from several threads.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from runtime.build import programs
from runtime.build.cache import BuildCache
from runtime.build.inputs import Inputs, Roots
from runtime.build.plan import CopyStep, RunStep, Step, WorkdirStep
from runtime.build.remotecache.exports import Done
from runtime.build.remotecache.imports import Imports, LayersLost
from runtime.build.roots import LayersRoot, Surroundings
from runtime.build.session import BuildSession, Networks
from runtime.build.sources import Sources
from runtime.build.telling import Telling
from runtime.build.turns import Turns
from runtime.build.work import CopyWork, FolderWork, RunWork
from runtime.build.worker.client import BuildWorker, Output
from runtime.build.worker.messages import Outcome, Place
from runtime.image.layers import FILES, Layer, LayerStore
from runtime.image.store import ImageStore
from runtime.paths import Paths
from runtime.state import builds
from runtime.state.database import Database
from runtime.syscall.filesystem import sync_filesystem
from runtime.syscall.tree import remove_tree
from schemas.dataclass import dataclass
from schemas.engine.identifiers import DiffID
from schemas.oci.image import Descriptor
from schemas.oci.media_types import OCI_LAYER

_LEAST_CACHE_BYTES = 2 << 30
_CACHE_SHARE = 10
"""A tenth of the disk, as BuildKit keeps."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of a step."""

    layer: Layer | None = None
    """None when it failed, and for a step that only changes the configuration. May have to be brought."""
    made_ns: int = 0
    """When the layer was made, in nanoseconds since 1970."""
    is_cached: bool = False
    exit_code: int = 0
    """Of RUN's program; above 0 it failed."""
    failure: str = ""
    """Why the program could not be started."""


class Executor:
    """The steps of one build. A context manager: at its end all processes are gone, and so is what they left."""

    def __init__(
        self,
        database: Database,
        paths: Paths,
        images: ImageStore,
        networks: Networks,
        around: Surroundings | None = None,
        turns: Turns | None = None,
        imports: Imports | None = None,
    ) -> None:
        """`turns` are of the builds that go on at the same time."""
        self._paths = paths
        self._images = images
        self.around = around or Surroundings()
        """What the programs of steps find; may be set until the first step."""
        self._database = database
        self._layers = LayerStore(images.blobs)
        self._turns = turns or Turns()
        self._imports = imports or Imports((), self._layers, Telling(None))
        self._cache = BuildCache(database, self._layers, self._imports)
        self.sources = Sources(self._cache, self._layers, self._turns)
        self._worker = BuildWorker(paths.images)
        self._session = BuildSession(database, paths, networks)
        self._inputs = Inputs(self._cache, self._imports, images.blobs, self._worker, self.sources, self._get_ready)
        self._needs_network = False
        self._is_ready = False
        self._ending: _Ending | None = None
        self._opened = ExitStack()

    def __enter__(self) -> "Executor":
        self._opened.enter_context(self._images.lease())
        self._opened.enter_context(self._turns.build())
        return self

    def __exit__(self, *_: object) -> None:
        with self._opened:
            self.finish()
            if self._ending is not None:
                self._ending.wait()
            self.settle()

    def expect(self, steps: Sequence[Step], roots: Roots, *, use_cache: bool) -> None:
        """Say which steps may be asked for. What they need is started as soon as one of them is not in the cache.

        A file that changed is as good as a step that is not, and without the cache none is.
        """
        self._needs_network = any(
            isinstance(step, RunStep) and programs.network_of(step, self.around) != "host" for step in steps
        )
        if use_cache:
            self._inputs.look_ahead(steps, roots)
        else:
            self._get_ready()

    def finish(self) -> None:
        """Say that no step follows: processes and network go while the image is put together. Idempotent."""
        if self._ending is None:
            self._ending = _Ending(self._worker, self._session)

    @property
    def has_done_steps(self) -> bool:
        """Whether a step was done, and not found: there may be something to collect."""
        return self._cache.has_kept

    def folder_of(self, root: LayersRoot) -> Path:
        """Return where the files of a root of one layer are. Raises as `bring`."""
        return Path(self._imports.stack(root.diff_ids)[0])

    def layer(self, diff_id: DiffID) -> tuple[Layer, int]:
        """Return a layer that was built here, with the time at which it was made, in nanoseconds since 1970."""
        return Layer(diff_id, self._layers.size(self._layers.built(diff_id) / FILES)), self._layers.made_ns(diff_id)

    def settle(self) -> None:
        """Have all layers on the disk, before an image of them is recorded; their steps are found from now on."""
        has_new = self._cache.has_new
        if has_new:
            descriptor = os.open(self._paths.images, _FOLDER)
            try:
                sync_filesystem(descriptor)
                self._cache.trim(_share_of(descriptor))
            finally:
                os.close(descriptor)
        self._cache.settle(layers_are_synced=has_new)

    def begin_again(self, lost: LayersLost) -> None:
        """Let another attempt do without what was lost."""
        self._imports.give_up(lost)
        self._cache.begin_again()

    def bring(self, diff_ids: Sequence[DiffID]) -> None:
        """Have all layers here. Raises LayersLost, NotFound, Cancelled, ResourceExhausted."""
        self._imports.stack(diff_ids)

    def bring_all(self) -> None:
        """Have the layers of all steps here that shared caches offer. Raises Cancelled, ResourceExhausted."""
        for step in list(self._cache.steps.values()):
            if step.blob is not None:
                # One that cannot be had is one that the next cache has not either.
                with suppress(LayersLost):
                    self._imports.stack([step.layer.diff_id])
        self.settle()

    def blob(self, diff_id: DiffID) -> Descriptor:
        """Return the blob of a layer that a step made and that is here. Raises NotFound."""
        blobs = self._images.blobs
        known = builds.find_blob(self._database.read(), diff_id)
        if blobs.has(diff_id) or known is None:
            return Descriptor(OCI_LAYER, diff_id, blobs.size(diff_id))
        digest, media_type, size_bytes = known
        return Descriptor(media_type, digest, size_bytes)

    def done(self, result: Sequence[DiffID]) -> Done:
        """Return what was done or found, for whoever makes an image of `result`."""
        return Done(self._cache.steps, self._cache.notes, result)

    def execute(
        self,
        step: Step,
        on: Sequence[DiffID],
        roots: Roots,
        *,
        use_cache: bool = True,
        output: Output | None = None,
        cancelled: int | None = None,
    ) -> StepResult:
        """Do a step on layers (lowest first), or find that it was done.

        `output` hears what RUN writes; `cancelled` is a descriptor whose readiness ends the step with
        KeyboardInterrupt. Raises EngineError, LayersLost among it: then `begin_again`.
        """
        work = self._work(step, roots, cancelled)
        if work is None:
            return StepResult()
        hearing = _Hearing(roots, use_cache, output, cancelled)
        key = work.key(on, work.digests)
        with self._turns.step(key, cancelled) as turn:
            if (use_cache or turn.is_done) and (found := self._cache.find(key, on)) is not None:
                # What another build made just now may not be on the disk yet.
                self._cache.has_new = self._cache.has_new or turn.is_done
                return StepResult(found.layer, found.made_ns, is_cached=True)
            self._get_ready()
            with self._scratch() as scratch:
                place = Place(self._imports.stack(on), str(scratch), self.around.clamp_s)
                outcome = self._do(work, place, hearing)
            if outcome.exit_code:
                return StepResult(exit_code=outcome.exit_code, failure=outcome.failure)
            layer = Layer(DiffID(outcome.diff_id), outcome.size_bytes)
            # Under what it read, not under what was there before: somebody may have saved a file meanwhile.
            kept = self._cache.keep(work.key(on, outcome.digests[: len(work.digests)]), layer)
            turn.is_done = True
            return StepResult(layer, kept.made_ns)

    def _get_ready(self) -> None:
        """Start the processes that steps need, side by side, and wait for none. Idempotent."""
        if self._is_ready:
            return
        self._is_ready = True
        self._worker.warm_up()
        if self._needs_network:
            self._session.warm_up()

    def _work(self, step: Step, roots: Roots, cancelled: int | None) -> CopyWork | FolderWork | RunWork | None:
        if isinstance(step, WorkdirStep):
            return FolderWork(step, self.around.clamp_s)
        if isinstance(step, CopyStep):
            return self._inputs.copying(step, roots, self.around, cancelled)
        if isinstance(step, RunStep):
            programs.check(step, self.around)
            return self._inputs.running(step, roots, self.around, cancelled)
        return None

    def _do(self, work: CopyWork | FolderWork | RunWork, place: Place, hearing: "_Hearing") -> Outcome:
        if not isinstance(work, RunWork):
            return self._worker.do(work.task(place, self._inputs.files), cancelled=hearing.cancelled)
        group = self._session.next_step()
        with self._session.sandbox(work.network) as stack:
            surroundings = programs.StepSurroundings(
                build=self.around,
                network=work.network,
                endpoints=stack.endpoints,
                group=group,
                files_of=lambda source: self._inputs.files(hearing.roots(source)),
                caches=self._paths.build_caches,
            )
            task = programs.request(work.step, place, surroundings)
            return self._worker.do(task, output=hearing.output, sandbox=stack.sandbox, cancelled=hearing.cancelled)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        path = self._images.blobs.scratch()
        try:
            yield path
        finally:
            remove_tree(path)


class _Ending:
    """The end of what steps needed, on a thread: to remove a network the kernel takes its time."""

    def __init__(self, worker: BuildWorker, session: BuildSession) -> None:
        self._worker = worker
        self._session = session
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._end, name="end of steps", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until all is gone. Raises what went wrong."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _end(self) -> None:
        try:
            # In this order: what holds groups and the network ends first.
            self._worker.close()
            self._session.close()
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            self._error = error


def _share_of(descriptor: int) -> int:
    """Return how much the cache may take of the file system a descriptor is on, in bytes."""
    figures = os.statvfs(descriptor)
    return max(_LEAST_CACHE_BYTES, figures.f_frsize * figures.f_blocks // _CACHE_SHARE)


@dataclass(frozen=True, slots=True)
class _Hearing:
    roots: Roots
    use_cache: bool
    output: Output | None
    cancelled: int | None
