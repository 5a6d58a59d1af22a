"""Unpacked layers, each once, shared by all containers whose image has it.

    layers/
    ├── diff/<hex of DiffID>/     fs/  size  and tar-split, of a layer that was built here
    ├── chain/<hex of ChainID>/   fs/  size
    └── host/<stamp>/             base folders of the built-in image

A layer stands by its DiffID, whatever is below it. Only one whose tar leaves out a parent folder does
not: that folder's owner and mode come from the layers below, so it stands by its ChainID (containerd
does the same with its `parent` snapshots). A folder gets its name by rename when it is complete.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from runtime.errors import InvalidArgument, NotFound
from runtime.image import diff, tar_split
from runtime.image.content import BlobStore
from runtime.image.folders import PathParts, inherit
from runtime.image.identity import chain_ids, hexadecimal
from runtime.image.layer import unpack
from runtime.image.streams import Hashed
from runtime.syscall.filesystem import sync_filesystem
from runtime.syscall.tree import remove_tree
from schemas.dataclass import dataclass
from schemas.engine.identifiers import ChainID, DiffID

_LAYERS = "layers"
HOST_BASES = "host"
_BY_DIFF = "diff"
_BY_CHAIN = "chain"
FILES = "fs"
"""Folder of a layer's files, within its place."""
TAR_SPLIT = "tar-split"
_SIZE = "size"


@dataclass(frozen=True, slots=True)
class Layer:
    """An unpacked layer."""

    diff_id: DiffID
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Tree:
    """A layer unpacked into a scratch folder, that has no name yet."""

    diff_id: DiffID
    size_bytes: int
    implied: tuple[PathParts, ...] = ()
    """Folders that only the layers below it can describe."""


def unpack_tree(source: Hashed, scratch: Path) -> Tree:
    """Unpack an uncompressed tar into a scratch folder of the store. Raises InvalidArgument for what is no layer."""
    content = scratch / FILES
    content.mkdir()
    content.chmod(0o755)
    with ExitStack() as opened:
        unpacked = unpack(source, _open_folder(content, opened))
    return Tree(source.diff_id, unpacked.size_bytes, unpacked.implied)


class LayerStore:
    """Unpacked layers below Paths.images."""

    def __init__(self, blobs: BlobStore) -> None:
        self.blobs = blobs
        self.root = blobs.root / _LAYERS

    def find(self, diff_id: DiffID, chain_id: ChainID) -> Path | None:
        """Return the folder of a layer's files in a certain stack, None when it is not unpacked."""
        for place in self.places_of(diff_id, chain_id):
            directory = place / FILES
            if directory.exists():
                return directory
        return None

    def stack(self, diff_ids: Sequence[str]) -> tuple[str, ...]:
        """Return the folders of an image's layers, topmost first, each once. Raises NotFound.

        A layer that an image has twice counts where it is topmost: whatever it says further down, it says there again.
        overlayfs takes no folder twice (ELOOP).
        """
        found = []
        layers = [DiffID(diff_id) for diff_id in diff_ids]
        for diff_id, chain_id in zip(layers, chain_ids(layers), strict=True):
            directory = self.find(diff_id, chain_id)
            if directory is None:
                raise NotFound(f"layer `{diff_id}` is not unpacked", hint="remove the image and load it again")
            found.append(str(directory))
        return tuple(dict.fromkeys(reversed(found)))

    def places(self) -> list[Path]:
        """Return the folders of all layers, and the bases of the `host` image."""
        return [place for kind in (_BY_DIFF, _BY_CHAIN, HOST_BASES) for place in _children(self.root / kind)]

    def places_of(self, diff_id: DiffID, chain_id: ChainID) -> tuple[Path, Path]:
        """Return the two folders of which one is a layer's, once it is unpacked."""
        return self.root / _BY_DIFF / hexadecimal(diff_id), self.root / _BY_CHAIN / hexadecimal(chain_id)

    def built(self, diff_id: DiffID) -> Path:
        """Return the folder of a layer that stands by its DiffID."""
        return built_layer(self.blobs.root, hexadecimal(diff_id))

    @staticmethod
    def place_of(lower: str) -> str:
        """Return which of `places` a lower directory is in."""
        path = Path(lower)
        return str(path.parent if path.name == FILES else path)

    def size(self, directory: Path) -> int:
        """Return the bytes of a layer's files, as counted when it was unpacked."""
        return int((directory.parent / _SIZE).read_text())

    def made_ns(self, diff_id: DiffID) -> int:
        """Return when a layer that was built here was made, in nanoseconds since 1970. Raises OSError."""
        return (self.root / _BY_DIFF / hexadecimal(diff_id) / _SIZE).stat().st_mtime_ns

    def date(self, diff_id: DiffID, made_ns: int) -> None:
        """Say when a layer was made that was brought from elsewhere. Raises OSError."""
        os.utime(self.root / _BY_DIFF / hexadecimal(diff_id) / _SIZE, ns=(made_ns, made_ns))

    def stands_alone(self, diff_id: DiffID) -> bool:
        """Whether a layer is unpacked that is the same whatever is below it."""
        return (self.built(diff_id) / FILES).exists()

    def add(self, source: Hashed, below: Sequence[DiffID], expected: DiffID | None = None) -> Layer:
        """Unpack an uncompressed tar onto the layers `below` (lowest first). Call under a lease.

        Raises InvalidArgument for a tar that no layer may be, or that is not the expected one.
        """
        scratch = self.blobs.scratch()
        try:
            tree = unpack_tree(source, scratch)
            if expected is not None and tree.diff_id != expected:
                raise InvalidArgument(f"layer `{expected}` unpacks to content with DiffID `{tree.diff_id}`")
            return self.settle(tree, scratch, below)
        finally:
            # Renamed away when all went well.
            remove_tree(scratch)

    def settle(self, tree: Tree, scratch: Path, below: Sequence[DiffID]) -> Layer:
        """Give an unpacked layer its place on the layers `below`, which are all there. Call under a lease."""
        with ExitStack() as opened:
            root = _open_folder(scratch / FILES, opened)
            if tree.implied:
                inherit(root, tree.implied, self.stack(below))
            (scratch / _SIZE).write_text(str(tree.size_bytes))
            # Without it a power cut could leave a layer that has its name but not all of its bytes.
            sync_filesystem(root)
        by_diff, by_chain = self.places_of(tree.diff_id, chain_ids([*below, tree.diff_id])[-1])
        _give_name(scratch, by_chain if tree.implied else by_diff)
        return Layer(tree.diff_id, tree.size_bytes)

    def adopt(self, scratch: Path, lowers: Sequence[str], *, clamp_s: int | None = None) -> Layer:
        """Take over what was written to `scratch`/fs on top of folders (topmost first). Call under a lease.

        `scratch` comes from BlobStore.scratch and is gone afterwards; `clamp_s` limits all times, in seconds
        since 1970. Raises InvalidArgument for a tree that no archive can hold, OSError.
        """
        difference = diff.Difference(clamp_s=clamp_s, purge=True)
        with ExitStack() as opened:
            root = _open_folder(scratch / FILES, opened)
            below = [_open_folder(path, opened) for path in lowers]
            with (scratch / TAR_SPLIT).open("x+b") as split:
                diff_id = tar_split.record(diff.pieces(root, below, difference), root, split)
        (scratch / _SIZE).write_text(str(difference.size_bytes))
        _give_name(scratch, self.built(diff_id))
        return Layer(diff_id, difference.size_bytes)


def built_layer(images: Path, hex_digits: str) -> Path:
    """Return where a layer stands that is the same whatever is below it, given Paths.images and its DiffID's digits."""
    return images / _LAYERS / _BY_DIFF / hex_digits


def _give_name(scratch: Path, place: Path) -> None:
    place.parent.mkdir(mode=0o710, parents=True, exist_ok=True)
    try:
        scratch.rename(place)
    except OSError:
        # Somebody else has the same already.
        if not (place / FILES).exists():
            raise
        remove_tree(scratch)


def _open_folder(path: Path | str, opened: ExitStack) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    opened.callback(os.close, descriptor)
    return descriptor


def _children(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except FileNotFoundError:
        return []
