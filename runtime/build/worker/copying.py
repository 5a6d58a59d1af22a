"""COPY, ADD and WORKDIR, carried out in a child of the worker."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.build.files.bringing import Arrival, Bringing, Selection, digest_of
from runtime.build.files.digest import NothingKnown
from runtime.build.files.owners import resolve_owner
from runtime.build.files.target import TargetTree
from runtime.build.worker import views
from runtime.build.worker.messages import BringFiles, MakeFolder, Outcome, Part, Place, ReadDigest
from runtime.errors import InvalidArgument
from runtime.image.layers import Layer, LayerStore
from runtime.launch.tree import Tree


def bring_files(task: BringFiles, layers: LayerStore) -> Outcome:
    """Bring files into a stage; return the layer they are, and their digests."""
    place = Place((), task.place.scratch, task.place.clamp_s) if task.link else task.place
    arrival = Arrival(task.destination, task.owner, task.mode)
    digests = []
    with views.writable(views.prepare(place.scratch, place.lowers)) as root, _identities(task, root) as identities:
        for part in task.parts:
            bringing = Bringing(root, identities, arrival, owned_by_root=part.files.owned_by_root)
            with views.source_tree(part.files, place.scratch) as tree:
                digests.append(bringing.bring(tree, _selection(part), unpack=part.unpack))
    layer = take_over(place, layers)
    return Outcome(layer.diff_id, layer.size_bytes, tuple(digests))


def make_folder(task: MakeFolder, layers: LayerStore) -> Outcome:
    """Make a folder where there is none; return the layer."""
    with views.writable(views.prepare(task.place.scratch, task.place.lowers)) as root:
        try:
            owner = resolve_owner(task.owner, Tree(root))
        except InvalidArgument:
            # As with BuildKit: the user may come with a later step, and then nobody knows its number yet.
            owner = None
        os.close(TargetTree(root, owner=owner).folder(task.path))
    layer = take_over(task.place, layers)
    return Outcome(layer.diff_id, layer.size_bytes)


def read_digest(task: ReadDigest) -> Outcome:
    """Return the digest of files."""
    part = task.part
    with views.source_tree(part.files, task.scratch) as tree:
        digest = digest_of(tree, _selection(part), NothingKnown(), owned_by_root=part.files.owned_by_root)
    return Outcome(digests=(digest,))


def take_over(place: Place, layers: LayerStore) -> Layer:
    """Make what was written a layer of the store."""
    return layers.adopt(views.layer_of(place.scratch), place.lowers, clamp_s=place.clamp_s)


@contextmanager
def _identities(task: BringFiles, root: int) -> Iterator[Tree]:
    """Give the tree whose passwd and group files count."""
    if not (task.link and task.owner):
        yield Tree(root)
        return
    with views.readable(task.place.lowers, task.place.scratch) as stage:
        yield Tree(stage)


def _selection(part: Part) -> Selection:
    return Selection(part.patterns, part.exclude, part.parents)
