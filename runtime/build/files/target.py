"""Where files go: the root of a stage, in which every path is resolved as if it were `/` (BuildKit, fs.RootPath)."""

import errno
import os
from contextlib import suppress

from runtime.errors import InvalidArgument, SyscallError
from runtime.launch.tree import Tree, split_path
from schemas.dataclass import dataclass

_MOST_LINKS = 40
FOLDER_MODE = 0o755


@dataclass(frozen=True, slots=True)
class Place:
    """A name in an open folder; the descriptor is the caller's to close."""

    parent: int
    name: str
    """`.` for the root."""

    @property
    def path(self) -> str:
        """A path for calls that take no descriptor; never to be followed if it is a link."""
        return f"/proc/self/fd/{self.parent}/{self.name}"

    def status(self) -> os.stat_result | None:
        """Return what is there, None for nothing."""
        try:
            return os.stat(self.name, dir_fd=self.parent, follow_symlinks=False)
        except FileNotFoundError:
            return None


class TargetTree(Tree):
    """The root of a stage while files are brought into it. What it makes on the way gets `owner`."""

    def __init__(self, descriptor: int, *, owner: tuple[int, int] | None = None, mode: int = FOLDER_MODE) -> None:
        super().__init__(descriptor)
        self._owner = owner
        self._mode = mode
        self._prefix = os.readlink(f"/proc/self/fd/{descriptor}").rstrip("/")

    def made(self, parent: int, name: str) -> None:
        """Give a new folder its owner and mode."""
        if self._owner is not None:
            os.chown(name, *self._owner, dir_fd=parent, follow_symlinks=False)
        os.chmod(name, self._mode, dir_fd=parent)

    def place_of(self, path: str) -> Place:
        """Return where a path leads, its last link followed too; folders above it are made. Raises SyscallError."""
        for _ in range(_MOST_LINKS):
            folder, _, name = path.rstrip("/").rpartition("/")
            if name in ("", "."):
                return Place(self.folder(folder or "/"), ".")
            place = Place(self.folder(folder or "/"), name)
            try:
                link = os.readlink(name, dir_fd=place.parent)
            except OSError:
                return place
            path = link if link.startswith("/") else f"{self.real_path(place, with_name=False)}/{link}"
            os.close(place.parent)
        raise SyscallError(errno.ELOOP, "open", path)

    def folder(self, path: str, mode: int = 0o755, *, links: bool = True) -> int:
        """Open a folder, made with what is missing above it. Raises InvalidArgument when a file is in the way."""
        try:
            return super().folder(path, mode, links=links)
        except SyscallError as error:
            if error.errno == errno.ENOTDIR:
                raise InvalidArgument(f"`{self._file_on_the_way(path)}` in the image is not a folder") from error
            raise

    def _file_on_the_way(self, path: str) -> str:
        parts = split_path(path)
        for count in range(1, len(parts)):
            with suppress(SyscallError):
                os.close(self.open("/".join(parts[:count]), os.O_PATH | os.O_DIRECTORY))
                continue
            return "/" + "/".join(parts[:count])
        return "/" + "/".join(parts)

    def real_path(self, place: Place, *, with_name: bool = True) -> str:
        """Return the absolute path of a place, without links, as it is seen in here."""
        folder = os.readlink(f"/proc/self/fd/{place.parent}").removeprefix(self._prefix).rstrip("/")
        return f"{folder}/{place.name}" if with_name else folder
