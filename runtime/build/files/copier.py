"""COPY: items of a source become files of a stage, by the rules of BuildKit's copy (tonistiigi/fsutil, copy.go).

What is copied is hashed on the way. So the digest under which a layer is remembered is that of the bytes it has, even
if somebody changed the context after it was looked at.
"""

import hashlib
import os
import stat
from collections.abc import Iterable
from contextlib import ExitStack, suppress

from runtime.build.files.digest import TreeDigest
from runtime.build.files.modes import Mode
from runtime.build.files.source import Item
from runtime.build.files.target import Place, TargetTree
from runtime.errors import InvalidArgument
from runtime.image.content import CHUNK_BYTES
from runtime.image.diff import attributes_of
from runtime.image.folders import set_attributes
from runtime.image.layer import write_at
from schemas.dataclass import dataclass

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LEAST_READ_BYTES = 1 << 16
"""Some file systems say 0 of files that have content."""


@dataclass(frozen=True, slots=True)
class Look:
    """What copied files look like, where it is not as they are."""

    owner: tuple[int, int] | None = None
    """Of everything; None: its own, or root when `owned_by_root`."""
    owned_by_root: bool = False
    mode: Mode | None = None

    def owner_of(self, status: os.stat_result) -> tuple[int, int]:
        """Return the owner of a copy."""
        if self.owner is not None:
            return self.owner
        return (0, 0) if self.owned_by_root else (status.st_uid, status.st_gid)

    def mode_of(self, status: os.stat_result) -> int:
        """Return the permissions of a copy."""
        return stat.S_IMODE(status.st_mode) if self.mode is None else self.mode(status.st_mode)


class Copier:
    """Copies sources one after the other; files with several names in one of them have several in the target."""

    def __init__(self, target: TargetTree, look: Look, digest: TreeDigest) -> None:
        self._target = target
        self._look = look
        self._digest = digest
        self._links: dict[tuple[int, int], str] = {}

    def copy(self, items: Iterable[Item], destination: str, name: str) -> None:
        """Bring what `items` walk over to an absolute path; `name` is the source's, for a folder as destination.

        The content of a folder goes into the destination; anything else becomes it, or a file in it. Raises
        InvalidArgument when something else is in the way, OSError.
        """
        self._links.clear()
        folders: list[_Folder] = []
        with ExitStack() as opened:
            opened.callback(_give_up, folders)
            for item in items:
                if item.path:
                    self._close(folders, item.path.rpartition("/")[0])
                    self._write(item, Place(folders[-1].descriptor, item.name), folders)
                else:
                    place = self._top(item, destination, name)
                    opened.callback(os.close, place.parent)
                    self._write(item, place, folders)
            self._close(folders, None)

    def _top(self, item: Item, destination: str, name: str) -> Place:
        if destination.endswith(("/", "/.")):
            os.close(self._target.folder(destination))
        place = self._target.place_of(destination)
        status = place.status()
        if item.is_folder or status is None or not stat.S_ISDIR(status.st_mode):
            return place
        folder = os.open(place.name, _FOLDER, dir_fd=place.parent)
        os.close(place.parent)
        return Place(folder, name)

    def _write(self, item: Item, place: Place, folders: "list[_Folder]") -> None:
        if item.is_folder:
            attributes = item.attributes()
            self._digest.add(item, attributes)
            folders.append(self._folder(item, place, attributes))
            return
        try:
            self._file(item, place)
        except FileExistsError:
            self._make_room(place)
            self._file(item, place)

    def _folder(self, item: Item, place: Place, attributes: dict[str, bytes]) -> "_Folder":
        status = place.status()
        if status is None:
            os.mkdir(place.name, dir_fd=place.parent)
            if not item.path:
                self._target.made(place.parent, place.name)
        elif not stat.S_ISDIR(status.st_mode):
            raise InvalidArgument(f"cannot copy to non-directory: `{self._target.real_path(place)}`")
        descriptor = os.open(place.name, _FOLDER, dir_fd=place.parent)
        # The destination itself keeps its owner and mode; a folder on the way to a chosen file too, if it is there.
        looks = bool(item.path) and (item.is_chosen or status is None)
        return _Folder(item, descriptor, looks, attributes)

    def _file(self, item: Item, place: Place) -> None:
        """Make anything but a folder. Raises FileExistsError, with nothing done, when something is there."""
        has_names = item.status.st_nlink > 1
        key = (item.status.st_dev, item.status.st_ino)
        if has_names and key in self._links:
            self._link(self._links[key], place)
            self._digest.add(item, item.attributes())
        elif item.is_regular:
            self._regular(item, place)
            if has_names:
                self._links[key] = self._target.real_path(place)
        else:
            if stat.S_ISLNK(item.status.st_mode):
                os.symlink(item.link(), place.name, dir_fd=place.parent)
            else:
                os.mknod(place.name, item.status.st_mode, item.status.st_rdev, dir_fd=place.parent)
            attributes = item.attributes()
            self._dress(item, place, attributes)
            self._digest.add(item, attributes)

    def _make_room(self, place: Place) -> None:
        status = place.status()
        if status is not None and stat.S_ISDIR(status.st_mode):
            raise InvalidArgument(f"cannot replace to directory `{self._target.real_path(place)}` with file")
        os.unlink(place.name, dir_fd=place.parent)

    def _link(self, path: str, place: Place) -> None:
        folder, _, name = path.rpartition("/")
        parent = self._target.open(folder or "/", os.O_PATH | os.O_DIRECTORY, links=False)
        try:
            os.link(name, place.name, src_dir_fd=parent, dst_dir_fd=place.parent, follow_symlinks=False)
        finally:
            os.close(parent)

    def _regular(self, item: Item, place: Place) -> None:
        source = item.open()
        try:
            target = os.open(place.name, _CREATE, 0o600, dir_fd=place.parent)
            try:
                content = _pour(source, target, item.status)
                attributes = attributes_of(source)
                os.fchown(target, *self._look.owner_of(item.status))
                os.fchmod(target, self._look.mode_of(item.status))
                _set_attributes(target, attributes)
                os.utime(target, ns=_times(item.status))
            finally:
                os.close(target)
        finally:
            os.close(source)
        self._digest.add(item, attributes, content)

    def _dress(self, item: Item, place: Place, attributes: dict[str, bytes]) -> None:
        os.chown(place.name, *self._look.owner_of(item.status), dir_fd=place.parent, follow_symlinks=False)
        if not stat.S_ISLNK(item.status.st_mode):
            os.chmod(place.name, self._look.mode_of(item.status), dir_fd=place.parent)
        _set_attributes(place.path, attributes)
        os.utime(place.name, ns=_times(item.status), dir_fd=place.parent, follow_symlinks=False)

    def _close(self, folders: "list[_Folder]", path: str | None) -> None:
        """Finish the folders that nothing more comes into; `path` is the next one's parent."""
        while folders and folders[-1].item.path != path:
            folder = folders.pop()
            try:
                if folder.takes_look:
                    os.fchown(folder.descriptor, *self._look.owner_of(folder.item.status))
                    os.fchmod(folder.descriptor, self._look.mode_of(folder.item.status))
                    _set_attributes(folder.descriptor, folder.attributes)
                if folder.takes_look or not folder.item.path:
                    os.utime(folder.descriptor, ns=_times(folder.item.status))
            finally:
                os.close(folder.descriptor)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder of the target that is being filled."""

    item: Item
    descriptor: int
    takes_look: bool
    attributes: dict[str, bytes]


def _give_up(folders: list[_Folder]) -> None:
    for folder in folders:
        os.close(folder.descriptor)


def _pour(source: int, target: int, status: os.stat_result) -> str:
    """Copy all bytes, holes as holes; return their digest."""
    digest = hashlib.sha256()
    is_sparse = status.st_blocks * 512 < status.st_size
    # More than there is: a small file is read at once, and known to have ended.
    most = min(CHUNK_BYTES, max(_LEAST_READ_BYTES, status.st_size + 1))
    end = 0
    while piece := os.read(source, most):
        digest.update(piece)
        if not (is_sparse and piece == bytes(len(piece))):
            write_at(target, end, piece)
        end += len(piece)
        if len(piece) < most and end >= status.st_size:
            break
    if is_sparse:
        os.ftruncate(target, end)
    return digest.hexdigest()


def _set_attributes(target: int | str, attributes: dict[str, bytes]) -> None:
    if attributes:
        # As in Docker, what the file system of the store does not take is left out.
        with suppress(OSError):
            set_attributes(target, list(attributes.items()))


def _times(status: os.stat_result) -> tuple[int, int]:
    return status.st_atime_ns, status.st_mtime_ns
