"""ADD of an archive: what is in it, instead of itself (Dockerfile reference, "Adding local tar archives")."""

import os
import tarfile
from pathlib import Path
from typing import IO, BinaryIO, cast

from runtime.build.files.digest import NothingKnown, TreeDigest, file_digest
from runtime.build.files.source import Item
from runtime.build.files.target import TargetTree
from runtime.errors import EngineError
from runtime.image.entries import configured_limits
from runtime.image.layer import Manner, unpack
from runtime.image.streams import DAMAGED, Hashed, detect, is_damage, unpacked


def is_archive(item: Item) -> bool:
    """Whether a file is a tar, plain or compressed: whether it begins with an entry. Raises OSError, NotFound."""
    if item.is_folder or not item.status.st_size or not item.is_regular:
        return False
    with open(item.open(), "rb") as file:
        return _begins_with_entry(file)


def is_archive_at(path: Path) -> bool:
    """Whether a regular file of ours or the user's is one. Raises OSError."""
    with path.open("rb") as file:
        return _begins_with_entry(file)


def _begins_with_entry(file: BinaryIO) -> bool:
    compression, whole = detect(file)
    try:
        stream = cast("IO[bytes]", unpacked(compression, whole))
        with tarfile.open(fileobj=stream, mode="r|", errors="surrogateescape") as tar:
            return tar.next() is not None
    except (tarfile.TarError, ValueError, EngineError):
        return False
    except DAMAGED as error:
        if not is_damage(error):
            raise
        return False


def unpack_archive(
    item: Item, target: TargetTree, destination: str, owner: tuple[int, int] | None, digest: TreeDigest
) -> None:
    """Unpack an archive into a folder, made when missing. Whatever is in it stays below that folder.

    Raises InvalidArgument for a damaged or hostile one, OSError.
    """
    digest.add(item, content=file_digest(item, NothingKnown()))
    place = target.folder(destination)
    folder = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.close(place)
    try:
        with open(item.open(), "rb") as file:
            compression, whole = detect(file)
            unpack(
                Hashed(unpacked(compression, whole)), folder, configured_limits(), Manner(owner=owner, is_layer=False)
            )
    finally:
        os.close(folder)
