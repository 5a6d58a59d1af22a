"""One COPY or ADD as a whole: its sources in order, its destination, its flags."""

import itertools
import re
from collections.abc import Iterator

from runtime.build.dockerfile.ignore import clean
from runtime.build.files import archives, matching
from runtime.build.files.copier import Copier, Look
from runtime.build.files.digest import KnownDigests, NothingKnown, TreeDigest
from runtime.build.files.modes import parse_mode
from runtime.build.files.owners import resolve_owner
from runtime.build.files.source import Found, Item, SourceTree
from runtime.build.files.target import FOLDER_MODE, TargetTree
from runtime.launch.tree import Tree
from schemas.dataclass import dataclass

_SPECIAL = re.compile(r"([*?\[\]\\])")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of a tree are meant."""

    patterns: tuple[str, ...]
    """As in CopyStep.sources."""
    exclude: tuple[str, ...] = ()
    parents: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where they go, and what they look like there."""

    destination: str
    """Absolute; ends with `/` where a folder is meant."""
    owner: str = ""
    mode: str = ""


def digest_of(tree: SourceTree, selection: Selection, known: KnownDigests, *, owned_by_root: bool) -> str:
    """Return the digest of what a selection names now. Raises NotFound, InvalidArgument, OSError."""
    digest = TreeDigest(known, owned_by_root=owned_by_root)
    for found, items in _sources(tree, selection):
        digest.begin(found.name)
        for item in items:
            digest.add(item)
    return digest.hexdigest()


class Bringing:
    """Brings files into a root, and says the digest of what it brought: what `digest_of` gives for the same."""

    def __init__(self, root: int, identities: Tree, arrival: Arrival, *, owned_by_root: bool) -> None:
        """`root` is an open folder, `identities` the image in which names of users are looked up."""
        self._arrival = arrival
        self._owner = resolve_owner(arrival.owner, identities)
        mode = parse_mode(arrival.mode) if arrival.mode else None
        folder_mode = mode(0) if mode is not None and arrival.mode.isdigit() else FOLDER_MODE
        self._target = TargetTree(root, owner=self._owner, mode=folder_mode)
        self._look = Look(self._owner, owned_by_root, mode)
        self._owned_by_root = owned_by_root

    def bring(self, tree: SourceTree, selection: Selection, *, unpack: bool = False) -> str:
        """Copy what is selected, archives unpacked where asked; return its digest.

        Raises NotFound, InvalidArgument, OSError.
        """
        digest = TreeDigest(NothingKnown(), owned_by_root=self._owned_by_root)
        copier = Copier(self._target, self._look, digest)
        for found, items in _sources(tree, selection):
            digest.begin(found.name)
            first = next(items)
            if unpack and archives.is_archive(first):
                archives.unpack_archive(first, self._target, self._arrival.destination, self._owner, digest)
            else:
                copier.copy(itertools.chain((first,), items), self._arrival.destination, found.name)
        return digest.hexdigest()


def literal_pattern(name: str) -> str:
    """Return the pattern that means this name alone."""
    return _SPECIAL.sub(r"\\\1", name)


def _sources(tree: SourceTree, selection: Selection) -> Iterator[tuple[Found, Iterator[Item]]]:
    exclude = matching.rules(selection.exclude)
    for pattern in selection.patterns:
        if not selection.parents:
            for found in tree.resolve(pattern):
                yield found, tree.walk(found.real, exclude=exclude)
            continue
        base, wanted = _pivot(pattern)
        if not matching.has_wildcards(base) and not matching.has_wildcards(wanted):
            tree.resolve(f"{base}/{wanted}")
        include = matching.rules((wanted,))
        for found in tree.resolve(base):
            yield found, tree.walk(found.real, include=include, exclude=exclude)


def _pivot(pattern: str) -> tuple[str, str]:
    """Split `--parents`' pattern at its `/./` into the folder that is left out and what keeps its parents."""
    base, pivot, wanted = pattern.partition("/./")
    return (base, clean(f"/{wanted}")) if pivot else ("/", clean(f"/{pattern}"))
