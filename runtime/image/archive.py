"""Archives of images, opened for reading: members by name, and nothing believed about those names.

Reads what `docker save`, `podman save`, `skopeo copy` and OCI tools write. Nothing is extracted: a
member is looked up by a cleaned relative path, must be a regular file, and is only ever streamed.
"""

import posixpath
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from runtime.errors import InvalidArgument, NotFound
from runtime.image.content import CHUNK_BYTES, MAX_DOCUMENT_BYTES
from runtime.image.entries import SIZE_HINT, configured_limits
from runtime.image.streams import DAMAGED, Readable, detect, is_damage, unpacked

STANDARD_INPUT = "-"
_MAX_MEMBERS = 100_000
_MAX_LINKS = 8


class Archive:
    """A tar that can be searched."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._members: dict[str, tarfile.TarInfo] = {}
        for number, member in enumerate(tar):
            if number >= _MAX_MEMBERS:
                raise InvalidArgument(f"the archive has more than {_MAX_MEMBERS} members")
            self._members[posixpath.normpath(member.name).lstrip("/")] = member

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self._members

    def document(self, name: str) -> bytes:
        """Return a small member whole. Raises NotFound, InvalidArgument."""
        member = self._find(name)
        if member.size > MAX_DOCUMENT_BYTES:
            raise InvalidArgument(f"`{name}` in the archive is larger than {MAX_DOCUMENT_BYTES} bytes")
        return self.stream(name).read()

    def stream(self, name: str) -> Readable:
        """Return a member to be read. Raises NotFound, InvalidArgument."""
        file = self._tar.extractfile(self._find(name))
        if file is None:
            raise InvalidArgument(f"`{name}` in the archive is not a regular file")
        return file

    def _find(self, name: str) -> tarfile.TarInfo:
        cleaned = posixpath.normpath(name)
        if name.startswith("/") or cleaned.startswith("..") or "\0" in name:
            raise InvalidArgument(f"the archive refers to `{name:.200}`, which is outside of it")
        for _ in range(_MAX_LINKS):
            member = self._members.get(cleaned)
            if member is None:
                raise NotFound(f"the archive has no `{name:.200}`")
            if not (member.issym() or member.islnk()):
                break
            # docker save of old links equal layers to one another, by relative symbolic links.
            start = posixpath.dirname(cleaned) if member.issym() else ""
            cleaned = posixpath.normpath(posixpath.join(start, member.linkname))
        else:
            raise InvalidArgument(f"`{name:.200}` in the archive is a link to a link to a link")
        if not member.isreg() or member.issparse():
            raise InvalidArgument(f"`{name:.200}` in the archive is not a regular file")
        return member


@contextmanager
def opened(source: Path | int) -> Iterator[BinaryIO]:
    """Open an archive by path (`-` is standard input) or descriptor; a descriptor stays open. Raises NotFound."""
    if isinstance(source, int) or str(source) == STANDARD_INPUT:
        descriptor = source if isinstance(source, int) else 0
        with open(descriptor, "rb", closefd=False) as file:
            yield file
        return
    try:
        file = source.open("rb")
    except OSError as error:
        raise NotFound(f"cannot open the archive `{source}`: {error.strerror}") from error
    with file:
        yield file


@contextmanager
def searchable(file: BinaryIO, scratch: Path) -> Iterator[Archive]:
    """Give access to the members of an archive, unpacked to a file in `scratch` when it must be."""
    with _seekable(file, scratch) as plain:
        try:
            with tarfile.open(fileobj=plain, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
                yield Archive(tar)
        except tarfile.TarError as error:
            raise InvalidArgument(f"not an image archive, or a damaged one: {error}") from error


@contextmanager
def _seekable(file: BinaryIO, scratch: Path) -> Iterator[IO[bytes]]:
    compression, whole = detect(file)
    if not compression.magic and file.seekable():
        file.seek(0)
        yield file
        return
    path = scratch / "archive.tar"
    with path.open("x+b") as copy:
        try:
            _copy(unpacked(compression, whole), copy)
        except DAMAGED as error:
            if not is_damage(error):
                raise
            raise InvalidArgument(f"the archive is damaged: {error}") from error
        copy.seek(0)
        path.unlink()
        yield copy


def _copy(source: Readable, copy: IO[bytes]) -> None:
    limit = configured_limits().size_bytes
    size_bytes = 0
    while piece := source.read(CHUNK_BYTES):
        size_bytes += len(piece)
        if size_bytes > limit:
            raise InvalidArgument(f"the archive unpacks to more than {limit} bytes", hint=SIZE_HINT)
        copy.write(piece)
