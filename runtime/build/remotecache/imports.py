"""Steps that were done elsewhere, found in the caches that a build names; their layers come when somebody needs them.

The caches are read when the first step is not known here. What such a step made is a claim, which the build goes on
with as long as nobody reads the layer: most layers of a build that finds everything are not even downloaded. A claim
that cannot be kept ends the attempt with LayersLost, and the build begins again without it; what it did meanwhile is
in its own cache by then.
"""

import threading
from collections.abc import Sequence

from runtime.build.remotecache.documents import CacheContent, KnownStep
from runtime.build.remotecache.sources import SharedCache
from runtime.build.telling import Telling
from runtime.errors import Cancelled, EngineError, InvalidArgument, ResourceExhausted
from runtime.image.identity import chain_ids
from runtime.image.layers import LayerStore
from schemas.engine.identifiers import DiffID


class LayersLost(Cancelled):
    """A step was found in a cache, and the layer that it made cannot be had: this attempt at the build is over."""

    def __init__(self, cache: SharedCache, *, is_expected: bool) -> None:
        """`is_expected`: the cache does not say that it has the layer (`mode=min`)."""
        super().__init__(f"a layer of the cache {cache.name} cannot be had")
        self.cache = cache
        self.is_expected = is_expected


class Imports:
    """The shared caches of one build. Every method may be called from several threads."""

    def __init__(self, caches: Sequence[SharedCache], layers: LayerStore, telling: Telling) -> None:
        self._caches = list(caches)
        self._layers = layers
        self._telling = telling
        self._lock = threading.Lock()
        self._contents: dict[str, CacheContent] | None = None
        self._needs_layers = False
        self._claims: dict[DiffID, tuple[SharedCache, KnownStep]] = {}
        self._found: dict[str, tuple[SharedCache, KnownStep]] = {}

    @property
    def names(self) -> list[str]:
        """What the caches are called."""
        return [cache.name for cache in self._caches]

    def find(self, key: str) -> KnownStep | None:
        """Return what a step made elsewhere; its layer may not be here yet. Raises Cancelled."""
        with self._lock:
            offers = [(cache, step) for cache in self._read() if (step := self._contents_of(cache).steps.get(key))]
            offers.sort(key=lambda offer: offer[1].blob is None and not self._is_here(offer[1].layer.diff_id))
            if not offers:
                return None
            cache, step = offers[0]
            if self._needs_layers and step.blob is None and not self._is_here(step.layer.diff_id):
                return None
            claimed = self._claims.get(step.layer.diff_id)
            if claimed is None or claimed[1].blob is None:
                self._claims[step.layer.diff_id] = (cache, step)
            self._found[key] = (cache, step)
            return step

    def find_note(self, key: str) -> str | None:
        """Return what was noted elsewhere. Raises Cancelled."""
        with self._lock:
            found = (self._contents_of(cache).notes.get(key) for cache in self._read())
            return next((note for note in found if note), None)

    def stack(self, diff_ids: Sequence[DiffID]) -> tuple[str, ...]:
        """Return the folders of layers (given lowest first), topmost first, after bringing those that are not here.

        Raises LayersLost, NotFound, Cancelled, ResourceExhausted.
        """
        with self._lock:
            chain = zip(diff_ids, chain_ids(diff_ids), strict=True)
            self._bring([it for it, chain_id in chain if it in self._claims and not self._layers.find(it, chain_id)])
        return self._layers.stack(diff_ids)

    def here(self) -> dict[str, tuple[str, KnownStep]]:
        """Return the steps that were found, whose layers are here: by key, the cache's name and what it said."""
        with self._lock:
            return {
                key: (cache.name, step)
                for key, (cache, step) in self._found.items()
                if self._is_here(step.layer.diff_id)
            }

    def give_up(self, lost: LayersLost) -> None:
        """Have no more to do with a cache that has not what it says, or with steps without layers."""
        with self._lock:
            if lost.is_expected:
                self._needs_layers = True
                title = f"the layers of some steps are not in {lost.cache.name}: doing them"
            else:
                self._caches.remove(lost.cache)
                title = f"going on without {lost.cache.name}"
            self._claims.clear()
            self._found.clear()
        with self._telling.step(title):
            pass

    def _read(self) -> list[SharedCache]:
        if self._contents is None:
            self._contents = {}
            for cache in self._caches:
                self._read_one(cache)
        return self._caches

    def _read_one(self, cache: SharedCache) -> None:
        title = f"importing cache manifest from {cache.name}"
        try:
            with self._telling.step(title) as told:
                content = cache.read()
                if content.foreign and not content.steps:
                    told.say(f"{content.foreign} records of another builder are of no use here\n")
        except Cancelled:
            raise
        except EngineError:
            # Told as the step's failure. A build can do without.
            return
        assert self._contents is not None  # noqa: S101 - for mypy: _read set it
        self._contents[cache.name] = content

    def _contents_of(self, cache: SharedCache) -> CacheContent:
        return (self._contents or {}).get(cache.name) or CacheContent()

    def _is_here(self, diff_id: DiffID) -> bool:
        return self._layers.stands_alone(diff_id)

    def _bring(self, diff_ids: Sequence[DiffID]) -> None:
        wanted: dict[str, list[KnownStep]] = {}
        for diff_id in dict.fromkeys(diff_ids):
            cache, step = self._claims[diff_id]
            if step.blob is None:
                raise LayersLost(cache, is_expected=True)
            wanted.setdefault(cache.name, []).append(step)
        for cache in list(self._caches):
            steps = wanted.get(cache.name)
            if steps is None:
                continue
            try:
                with self._telling.step(f"extracting from {cache.name}"):
                    self._fetch(cache, steps)
            except (Cancelled, ResourceExhausted):
                raise
            except EngineError as error:
                raise LayersLost(cache, is_expected=False) from error

    def _fetch(self, cache: SharedCache, steps: Sequence[KnownStep]) -> None:
        cache.fetch({step.layer.diff_id: step.blob for step in steps if step.blob is not None})
        for step in steps:
            if not self._is_here(step.layer.diff_id):
                # No builder of ours writes such: what its folders are like would come from below.
                raise InvalidArgument(f"layer `{step.layer.diff_id}` of the cache is not whole by itself")
            self._layers.date(step.layer.diff_id, step.made_ns)
