"""What a build takes from elsewhere, as layers: a repository's tree, a file of a web server.

Each is a step like any other, found by its key: a commit is its content, and a file is known by its digest. So what has
not changed since the last build is not fetched again, and what is of no use any more goes with the rest of the cache.
"""

import json
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.build.cache import BuildCache, key_of
from runtime.build.remote.client import ask
from runtime.build.remote.messages import Answer, CheckOut, Download, Resolve
from runtime.build.roots import LayersRoot
from runtime.build.turns import Turns
from runtime.errors import InvalidArgument
from runtime.git.reference import GitReference, parse
from runtime.image.layers import FILES, Layer, LayerStore
from runtime.syscall.tree import remove_tree

_UNNAMED = "__unnamed__"
_FOLDER_MODE = 0o755


class Sources:
    """Fetches, or finds what was fetched. Every method may be called from several threads, under the store's lease."""

    def __init__(self, cache: BuildCache, layers: LayerStore, turns: Turns) -> None:
        self._cache = cache
        self._layers = layers
        self._turns = turns
        self._commits: dict[str, Answer] = {}

    def repository(
        self,
        text: str,
        *,
        checksum: str = "",
        keep_git_dir: bool = False,
        agent: str = "",
        cancelled: int | None = None,
    ) -> LayersRoot:
        """Return the tree that a reference into a git repository means now; a branch is asked for once in a build.

        `checksum` is the beginning of its commit, `agent` the socket of the ssh agent. Raises EngineError.
        """
        reference = parse(text)
        resolved = self._resolved(text, agent, cancelled)
        if not resolved.commit.startswith(checksum.lower()):
            shown = f"`{reference.ref}` is commit {resolved.commit}"
            raise InvalidArgument(f"{shown}, and should be {checksum}")
        kept = keep_git_dir if reference.keep_git_dir is None else reference.keep_git_dir
        # Of a folder alone there is no repository.
        kept = kept and not reference.subdirectory
        key = key_of("git", (), _tree(reference, resolved, kept=kept))
        with self._turn(key, cancelled):
            found = self._cache.find_own(key)
            if found is None:
                with self._folder() as folder:
                    request = CheckOut(text, resolved.commit, resolved.ref, str(folder), kept, agent)
                    tree = Path(ask(request, cancelled).tree)
                    found = self._adopted(key, tree.rename)
        return LayersRoot((found.diff_id,))

    def file(
        self, url: str, *, name: str = "", checksum: str = "", cancelled: int | None = None
    ) -> tuple[LayersRoot, str]:
        """Return a layer with the file of a URL, and the file's name: the last component of its path, or `name`.

        `checksum` is `sha256:<hex>`. Raises InvalidArgument when the content has another, Unavailable.
        """
        name = name or _name_of(url)
        note = key_of("url-answer", (), [url, name])
        with self._turn(note, cancelled):
            if checksum and (found := self._cache.find_own(_file_key(name, checksum))) is not None:
                # Whatever is there now, it is this or it is wrong.
                return LayersRoot((found.diff_id,)), name
            known = _answer(self._cache.find_own_note(note))
            layer = self._cache.find_own(_file_key(name, known.digest)) if known.digest and not checksum else None
            if layer is None:
                known = Answer()
            with self._folder() as folder:
                request = Download(url, str(folder), name, checksum, known.etag, known.modified)
                answer = ask(request, cancelled)
                if not answer.is_unchanged:
                    layer = self._kept(folder / name, answer)
                    self._cache.keep_own_note(note, json.dumps([answer.digest, answer.etag, answer.modified]))
        assert layer is not None  # noqa: S101 - for mypy: only what was there is unchanged
        return LayersRoot((layer.diff_id,)), name

    def _kept(self, path: Path, answer: Answer) -> Layer:
        key = _file_key(path.name, answer.digest)
        return self._cache.find_own(key) or self._adopted(key, lambda place: _move(path, place))

    def _resolved(self, text: str, agent: str, cancelled: int | None) -> Answer:
        with self._turn(f"resolve {text}", cancelled):
            if text not in self._commits:
                self._commits[text] = ask(Resolve(text, agent), cancelled)
            return self._commits[text]

    def _adopted(self, key: str, fill: Callable[[Path], object]) -> Layer:
        """Make what `fill` puts in a place the layer of a key."""
        with self._folder() as scratch:
            fill(scratch / FILES)
            (scratch / FILES).chmod(_FOLDER_MODE)
            layer = self._layers.adopt(scratch, ())
        self._cache.keep_own(key, layer)
        return layer

    @contextmanager
    def _turn(self, key: str, cancelled: int | None) -> Iterator[None]:
        """Be the one who fetches something."""
        with self._turns.step(key, cancelled) as turn:
            # What another build fetched just now may not be on the disk yet.
            self._cache.has_new = self._cache.has_new or turn.is_done
            yield
            turn.is_done = True

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        path = self._layers.blobs.scratch()
        try:
            yield path
        finally:
            remove_tree(path)


def _tree(reference: GitReference, resolved: Answer, *, kept: bool) -> object:
    """What a tree is made of. With `.git`, the names in there count too."""
    repository = [reference.repository, resolved.ref] if kept else []
    wanted = [reference.subdirectory, reference.submodules, reference.commit_times]
    return [resolved.commit, *wanted, kept, *repository]


def _file_key(name: str, digest: str) -> str:
    return key_of("url", (), [name, digest])


def _answer(note: str | None) -> Answer:
    digest, etag, modified = json.loads(note) if note else ("", "", "")
    return Answer(digest=digest, etag=etag, modified=modified)


def _name_of(url: str) -> str:
    name = urllib.parse.unquote(urllib.parse.urlsplit(url).path).rstrip("/").rpartition("/")[2]
    return _UNNAMED if name in ("", ".", "..") or "\0" in name else name


def _move(path: Path, place: Path) -> None:
    place.mkdir()
    path.rename(place / path.name)
