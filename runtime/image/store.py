"""The image store: what the engine asks about images, and has done to them."""

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from runtime.errors import (
    EngineError,
    FailedPrecondition,
    InvalidArgument,
    ResourceExhausted,
    SyscallError,
)
from runtime.image import catalog, committing, inspection, loading, pruning, saving
from runtime.image.archive import opened, searchable
from runtime.image.assembly import Assembler
from runtime.image.built_blobs import BuiltBlobs
from runtime.image.changes import apply_changes
from runtime.image.collection import Collector
from runtime.image.host import is_host, recipe
from runtime.image.host_base import base_folder
from runtime.image.layers import HOST_BASES, LayerStore
from runtime.image.layouts import LayoutName, opened_layout
from runtime.image.output import written
from runtime.image.reference import familiar, parse
from runtime.image.removal import remove_image
from runtime.paths import Paths
from runtime.state import images, journal
from runtime.state.database import Database
from runtime.syscall.tree import remove_tree
from schemas.engine.bundle import BundleMount, Rootfs
from schemas.engine.events import EngineEvent
from schemas.engine.records import ImageConfig, ImageRecord
from schemas.engine.specs import CommitSpec
from schemas.engine.storage import ImageDetails, ImageUsage, PrunedImages


class ImageStore:
    """Images in the state directory, and the built-in one. Every method may be called from several threads."""

    def __init__(self, database: Database, paths: Paths) -> None:
        self._database = database
        self.blobs = BuiltBlobs(paths.images)
        self._layers = LayerStore(self.blobs)
        self.assembler = Assembler(database, self.blobs, self._layers)
        self._collector = Collector(database, paths, self.blobs, self._layers)

    def resolve(self, reference: str) -> ImageRecord:
        """Return an image by reference, id or beginning of an id. Raises NotFound, InvalidArgument."""
        return catalog.find_image(self._database.read(), reference)

    def lease(self) -> AbstractContextManager[None]:
        """Keep every layer where it is: hold it from `resolve` until a container's row refers to the image."""
        return self.blobs.lease()

    def lower_directories(self, record: ImageRecord) -> tuple[str, ...]:
        """Return the lower directories of an image's overlay, topmost first. Raises NotFound."""
        if is_host(record):
            return (str(base_folder(self.blobs, self._layers.root / HOST_BASES, recipe())),)
        directories = self._layers.stack(record.layers)
        if not directories:
            raise InvalidArgument(f"image `{record.id}` has no layers, so nothing can run in it")
        return directories

    def manifest(self, name: str) -> bytes | None:
        """Return the manifest of an image by its name, None without one. Raises InvalidArgument, FailedPrecondition."""
        connection = self._database.read()
        record = images.by_reference(connection, parse(name).with_default_tag().familiar)
        if record is None or is_host(record):
            return None
        return self.blobs.read(images.manifest_of(connection, record.id))

    def host_mounts(self, record: ImageRecord) -> tuple[BundleMount, ...]:
        """Return the mounts that complete the built-in image, in the order to make them; none for any other."""
        if not is_host(record):
            return ()
        return tuple(
            BundleMount(type="bind", target=target, source=source, read_only=True) for source, target in recipe().binds
        )

    def import_tar(self, archive: Path | int, reference: str, changes: Sequence[str] = ()) -> ImageRecord:
        """Make an image of one layer from a root file system (tar; gzip, bzip2, xz or zstd; `-`: standard input).

        `changes` are Dockerfile instructions, `CMD ["sh"]`; an empty reference leaves the image without
        a name. Raises InvalidArgument, NotFound, Unsupported, ResourceExhausted.
        """
        names = [self._new_name(reference)] if reference else []
        with named_errors("import"), opened(archive) as file, self.blobs.lease():
            configuration, stored = self.assembler.import_layer(file, changes)
            record = self.assembler.add_image(configuration, [stored.descriptor], names, action="import")
        self.collect()
        return record

    def load(self, archive: Path | int) -> list[ImageRecord]:
        """Load every image of an OCI or Docker archive (`-`: standard input).

        Raises InvalidArgument, NotFound, Unsupported, ResourceExhausted.
        """
        with named_errors("load"), opened(archive) as file, self.blobs.lease():
            scratch = self.blobs.scratch()
            try:
                with searchable(file, scratch) as members:
                    records = loading.load(members, self.assembler)
            finally:
                remove_tree(scratch)
        self.collect()
        return records

    def load_layout(self, name: LayoutName) -> ImageRecord:
        """Load one image of an OCI layout, which gets no name. Call under a lease.

        Raises InvalidArgument, NotFound, Unsupported, ResourceExhausted.
        """
        with named_errors("load"), opened_layout(name) as members:
            records = loading.load(members, self.assembler)
        if not records:
            raise InvalidArgument(f"what `{name.path}` has under that name is no image")
        return records[0]

    def save(self, references: Sequence[str], target: Path, *, gzipped: bool = False) -> None:
        """Write images into one archive, Docker's and OCI's at once (`-`: standard output).

        Raises NotFound, InvalidArgument, Unsupported, FailedPrecondition for a damaged blob, ResourceExhausted.
        """
        with named_errors("save"), self.blobs.lease(), written(target, gzipped=gzipped) as sink:
            saving.save(self._database.read(), self.blobs, references, sink)

    def commit(
        self,
        base_id: str,
        rootfs: Rootfs,
        config: ImageConfig,
        command: Sequence[str],
        spec: CommitSpec,
        still: AbstractContextManager[None],
    ) -> ImageRecord:
        """Make an image of what a container wrote on top of its own; `still` is held while its files are read.

        `config` and `command` are the container's. Raises NotFound, InvalidArgument, Unsupported,
        FailedPrecondition when files change meanwhile or the image is damaged, ResourceExhausted.
        """
        names = [self._new_name(spec.reference)] if spec.reference else []
        changed = apply_changes(config, spec.changes)
        with named_errors("commit"), self.blobs.lease():
            record = self.resolve(base_id)
            base = committing.read_base(self.blobs, record, images.manifest_of(self._database.read(), record.id))
            with still:
                stored = committing.store_changes(self.assembler, base, rootfs)
            document, layers = committing.configuration(base, stored, changed, command, spec)
            committed = self.assembler.add_image(document, layers, names, action="commit")
        self.collect()
        return committed

    def tag(self, source: str, reference: str) -> ImageRecord:
        """Let another name lead to an image. Raises NotFound, InvalidArgument."""
        name = self._new_name(reference)
        record = self.resolve(source)
        if is_host(record):
            raise InvalidArgument("the built-in image `host` takes no other name")
        with self._database.transaction() as connection:
            images.point(connection, name, record.id)
            journal.append(connection, EngineEvent("image", "tag", record.id, name=name))
        return self.resolve(name)

    def remove(self, reference: str, *, force: bool = False) -> list[str]:
        """Remove a name, and with its last name the image; return Docker's lines (`Untagged: …`, `Deleted: …`).

        Raises NotFound, FailedPrecondition while a container uses it.
        """
        with self._database.transaction() as connection:
            record = catalog.find_image(connection, reference)
            if is_host(record):
                raise FailedPrecondition("the image `host` is built in and cannot be removed")
            lines = remove_image(connection, record, reference, force=force)
        self.collect()
        return lines

    def details(self, reference: str) -> ImageDetails:
        """Return an image with its documents. Raises NotFound, InvalidArgument, FailedPrecondition."""
        with self.blobs.lease():
            record = self.resolve(reference)
            lower = self.lower_directories(record) if record.layers or is_host(record) else ()
            return inspection.details(self._database.read(), self.blobs, self._layers, record, lower)

    def usage(self) -> tuple[list[ImageUsage], dict[str, int]]:
        """Return what each image takes, and the bytes of each layer by its folder."""
        return inspection.usage(self._database.read(), self._layers)

    def prune(self, wanted: Callable[[ImageRecord], bool]) -> PrunedImages:
        """Remove the images that are `wanted` and that no container uses, with all their names."""
        with self._database.transaction() as connection:
            pruned = pruning.prune(connection, self._layers, wanted)
        self.collect()
        return pruned

    def collect(self) -> None:
        """Remove what no image and no container leads to, unless somebody is adding. Raises SyscallError."""
        self._collector.collect()

    def _new_name(self, reference: str) -> str:
        if parse(reference).digest:
            raise InvalidArgument(f"`{reference}` has a digest, and only content gives an image that")
        name = familiar(reference)
        if catalog.is_reserved(name):
            raise InvalidArgument("the name `host` belongs to the built-in image")
        return name

    def list(self) -> list[ImageRecord]:
        """Return every image, the newest first, then the built-in one."""
        return catalog.all_images(self._database.read())


@contextmanager
def named_errors(action: str) -> Iterator[None]:
    """Turn what the kernel refused into errors of ours: no space, or the call that failed."""
    try:
        yield
    except (EngineError, BrokenPipeError):
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ResourceExhausted(f"no space is left to {action} the image") from error
        raise SyscallError(error.errno or errno.EIO, action, str(error.filename or "")) from error
