"""What a build is made from, wherever it is: folders, archives, repositories, web servers, images.

A folder stays where it is. Everything else becomes layers, by the steps that ADD would do: an archive is unpacked, a
repository checked out, a file fetched. No `.dockerignore` counts in those, as with BuildKit.
"""

import os
from pathlib import Path

from runtime.build.dockerfile.instructions import Location
from runtime.build.dockerfile.remotes import SourceKind, kind_of_context
from runtime.build.executor import Executor
from runtime.build.files.archives import is_archive_at
from runtime.build.files.bringing import literal_pattern
from runtime.build.plan import ContextSource, CopyStep, ImageSource
from runtime.build.remotecache.imports import LayersLost
from runtime.build.roots import FolderRoot, LayersRoot, Root
from runtime.build.telling import Telling
from runtime.build.texts import IGNORE_FILE, ignore_rules_at, patterns, shown, text_at, text_below
from runtime.errors import InvalidArgument, NotFound, ResourceExhausted, Unsupported
from runtime.git.reference import without_password
from runtime.image.entries import SIZE_HINT, configured_limits
from runtime.image.layers import Layer
from runtime.image.layouts import LayoutName
from runtime.image.store import ImageStore
from runtime.syscall.tree import remove_tree
from schemas.booleans import BOOLEANS
from schemas.dataclass import dataclass
from schemas.engine.builds import BuildSpec
from schemas.engine.records import ImageConfig

DOWNLOADED = "context"
"""BuildKit's name for a file that is a context."""
_IMAGE = "docker-image://"
_LAYOUT = "oci-layout://"
_KEEP_GIT_DIR = "BUILDKIT_CONTEXT_KEEP_GIT_DIR"
_NOWHERE = Location("", 0, 0)
_PIECE_BYTES = 1 << 20
_NOTHING = LayersRoot()


@dataclass(frozen=True, slots=True)
class Context:
    """The build context."""

    root: Root
    name: str
    """As messages name it."""
    folder: Path
    """Where its files are, if it has any."""
    is_local: bool = False
    """A folder of the user's: its ignore file counts, and its Dockerfile may be a link to anywhere."""
    dockerfile: bytes | None = None
    """The Dockerfile, where the context is nothing else."""


class Contexts:
    """Opens the contexts of one build, under the executor's lease."""

    def __init__(
        self, spec: BuildSpec, executor: Executor, images: ImageStore, telling: Telling, cancelled: int | None
    ) -> None:
        self._spec = spec
        self._executor = executor
        self._images = images
        self._telling = telling
        self._cancelled = cancelled

    def main(self) -> Context:
        """Return the build context. Raises NotFound, InvalidArgument, and what fetching does."""
        text = self._spec.context
        kind = kind_of_context(text)
        if kind is SourceKind.LOCAL:
            path = Path(text)
            if path.is_file():
                return self._file(path, shown(path))
            require_folder(path, "build context")
            return Context(FolderRoot(path), text, path, is_local=True)
        if kind in (SourceKind.IMAGE, SourceKind.LAYOUT):
            raise Unsupported(f"the build context `{text}` is an image", hint="`additional_contexts` takes images")
        with self._telling.step("[internal] load remote build context"):
            if kind is SourceKind.INPUT:
                return self._standard_input()
            shown_text = without_password(text)
            if kind is SourceKind.GIT:
                kept = BOOLEANS.get(self._spec.arguments.get(_KEEP_GIT_DIR, ""), False)
                return self._layers(self._repository(text, keep_git_dir=kept), shown_text)
            root, name = self._executor.sources.file(text, name=DOWNLOADED, cancelled=self._cancelled)
            folder = self._executor.folder_of(root)
            if is_archive_at(folder / name):
                return self._layers(self.unpacked(root, name), shown_text)
            return Context(root, shown_text, folder, dockerfile=text_below(folder, name))

    def named(self, name: str, text: str) -> Root | ImageSource:
        """Return an additional context. Raises as `main` does."""
        kind = kind_of_context(text)
        if kind is SourceKind.LOCAL:
            folder = Path(text)
            require_folder(folder, f"additional context `{name}`")
            return FolderRoot(folder, patterns(ignore_rules_at(folder / IGNORE_FILE)))
        if kind is SourceKind.IMAGE:
            return ImageSource(text.removeprefix(_IMAGE))
        if kind is SourceKind.INPUT:
            raise InvalidArgument(f"additional context `{name}`: standard input is for the build context alone")
        with self._telling.step(f"[context {name}] load {kind.value} {text}"):
            if kind is SourceKind.LAYOUT:
                layout = LayoutName.parse(text.removeprefix(_LAYOUT))
                return ImageSource(self._images.load_layout(layout).id)
            if kind is SourceKind.GIT:
                return self._repository(text)
            return self._executor.sources.file(text, name=DOWNLOADED, cancelled=self._cancelled)[0]

    def unpacked(self, root: Root, name: str) -> LayersRoot:
        """Return what is in an archive that lies in a root."""
        return self._brought(root, literal_pattern(name), unpack=True)

    def layer_of(self, root: Root) -> tuple[Layer, int]:
        """Return a root as a layer, and when it was made, in ns: a folder is what `COPY . /` on nothing has of it."""
        layers = root if isinstance(root, LayersRoot) else self._brought(root, ".", unpack=False)
        (diff_id,) = layers.diff_ids or self._brought(layers, ".", unpack=False).diff_ids
        return self._executor.layer(diff_id)

    def _brought(self, root: Root, pattern: str, *, unpack: bool) -> LayersRoot:
        step = CopyStep(
            _NOWHERE, "", None, ImageConfig(), unpack, ContextSource(), (pattern,), (), "/", unpack=unpack or None
        )
        while True:
            layer = self._executor.execute(step, (), lambda _: root, cancelled=self._cancelled).layer
            assert layer is not None  # noqa: S101 - for mypy: a COPY that does not raise makes one
            try:
                self._executor.bring((layer.diff_id,))
            except LayersLost as lost:
                self._executor.begin_again(lost)
            else:
                return LayersRoot((layer.diff_id,))

    def _repository(self, text: str, *, keep_git_dir: bool = False) -> LayersRoot:
        agent = self._spec.ssh.get("default", "")
        return self._executor.sources.repository(
            text, keep_git_dir=keep_git_dir, agent=agent, cancelled=self._cancelled
        )

    def _layers(self, root: LayersRoot, name: str) -> Context:
        return Context(root, name, self._executor.folder_of(root))

    def _file(self, path: Path, name: str) -> Context:
        if is_archive_at(path):
            return self._layers(self.unpacked(FolderRoot(path.parent), path.name), name)
        return Context(_NOTHING, name, path.parent, dockerfile=text_at(path))

    def _standard_input(self) -> Context:
        scratch = self._images.blobs.scratch()
        try:
            _spool(scratch / DOWNLOADED)
            return self._file(scratch / DOWNLOADED, "standard input")
        finally:
            remove_tree(scratch)


def require_folder(path: Path, what: str) -> None:
    """Raise NotFound where there is no folder."""
    if not path.is_dir():
        reason = "is not a folder" if path.exists() else "does not exist"
        raise NotFound(f"the {what} `{path}` {reason}")


def _spool(path: Path) -> None:
    """Write standard input to a file."""
    most_bytes, size_bytes = configured_limits().size_bytes, 0
    with path.open("xb") as file:
        while piece := os.read(0, _PIECE_BYTES):
            size_bytes += len(piece)
            if size_bytes > most_bytes:
                raise ResourceExhausted(f"standard input has more than {most_bytes} bytes", hint=SIZE_HINT)
            file.write(piece)
    if not size_bytes:
        raise InvalidArgument(
            "the build context on standard input is empty", hint="an archive or a Dockerfile goes there"
        )
