"""Where files come from: a build context or the root of a stage, by an open folder that is never left.

Every path is resolved by the kernel below that folder (openat2, RESOLVE_IN_ROOT): a symbolic link leads where it
would if the folder were `/`, and nobody who swaps files while we read gets us out of it. Which links are followed
is BuildKit's rule: those in the path that COPY names, none of those below it.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from runtime.build.dockerfile.ignore import clean
from runtime.build.files import matching
from runtime.build.files.matching import Ignoring
from runtime.errors import EngineError, InvalidArgument, NotFound, SyscallError
from runtime.image.diff import attributes_of
from runtime.syscall import constants as c
from runtime.syscall.mount import openat2
from schemas.dataclass import dataclass

_FOLLOWING = c.RESOLVE_IN_ROOT | c.RESOLVE_NO_MAGICLINKS
_STRAIGHT = c.RESOLVE_BENEATH | c.RESOLVE_NO_SYMLINKS
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_GREATEST_DEPTH = 256
"""Each level keeps a descriptor open."""
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})


@dataclass(frozen=True, slots=True)
class Item:
    """Something found on the way through a tree. Good until the next one is asked for."""

    path: str
    """Below what was walked; empty for that itself."""
    parent: int
    """Descriptor of the folder it is in."""
    name: str
    """In that folder; `.` for the root of everything."""
    status: os.stat_result
    is_chosen: bool = True
    """Otherwise a folder that is there for the sake of what is in it."""

    @property
    def place(self) -> str:
        """A path for calls that take no descriptor; never to be followed if it is a link."""
        return f"/proc/self/fd/{self.parent}/{self.name}"

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_regular(self) -> bool:
        """Whether it is a file with content."""
        return stat.S_ISREG(self.status.st_mode)

    def open(self) -> int:
        """Open a regular file. Raises NotFound when it is gone or another kind of thing by now, SyscallError."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            descriptor = os.open(self.name, flags, dir_fd=self.parent)
        except OSError as error:
            raise self._trouble(error, "open") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._changed()
        return descriptor

    def open_folder(self) -> int:
        """Open a folder. Raises as `open`."""
        try:
            return os.open(self.name, _FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.parent)
        except OSError as error:
            raise self._trouble(error, "open") from error

    def link(self) -> str:
        """Return where a symbolic link leads. Raises as `open`."""
        try:
            return os.readlink(self.name, dir_fd=self.parent)
        except OSError as error:
            raise self._trouble(error, "readlink") from error

    def attributes(self) -> dict[str, bytes]:
        """Return the extended attributes that belong into a layer. Raises as `open`."""
        try:
            return attributes_of(self.place)
        except OSError as error:
            raise self._trouble(error, "listxattr") from error

    def _trouble(self, error: OSError, call: str) -> EngineError:
        number = error.errno or errno.EIO
        # EINVAL: what was a link is none.
        if number in _ABSENT or number == errno.EINVAL:
            return self._changed()
        return SyscallError(number, call, self.path or self.name)

    def _changed(self) -> NotFound:
        return NotFound(f"`{self.path or self.name}` changed while it was read")


@dataclass(frozen=True, slots=True)
class Found:
    """What a path names."""

    name: str
    """As the path has it, for a file that goes into a folder."""
    real: str
    """Where it is below the root: no component is a link."""


class SourceTree:
    """An open folder whose files are to be read. `root` stays the caller's."""

    def __init__(self, root: int, ignoring: Ignoring | None = None) -> None:
        self.root = root
        self._ignoring = ignoring
        self._prefix = os.readlink(f"/proc/self/fd/{root}").rstrip("/")

    def resolve(self, path: str) -> list[Found]:
        """Return what a path of COPY names, wildcards allowed, in order.

        Wildcards may match nothing. Raises NotFound for a path without and for a link that leads nowhere,
        InvalidArgument for a bad pattern.
        """
        parts = [part for part in clean(f"/{path}").split("/") if part]
        first = next((index for index, part in enumerate(parts) if matching.has_wildcards(part)), len(parts))
        beginning = "/".join(matching.literal(part) for part in parts[:first])
        if first == len(parts):
            return [self.locate(beginning)]
        real = self._real(beginning)
        if real is None:
            return []
        patterns = [matching.compile_component(part) for part in parts[first:]]
        matches: list[str] = []
        with suppress(NotFound), self._folder(real) as folder:
            matches = [match for match in _matches(folder, real, patterns) if self._is_visible(match)]
        return [self.locate(match) for match in matches]

    def locate(self, path: str) -> Found:
        """Return where a path without wildcards leads, links followed. Raises NotFound, InvalidArgument."""
        real = self._real(path)
        if real is None or not self._is_visible(real):
            hint = "" if real is None else "it is there, but `.dockerignore` leaves it out"
            raise NotFound(f'"/{path}": not found', hint=hint)
        return Found(path.rpartition("/")[2], real)

    def walk(self, real: str, include: Ignoring | None = None, exclude: Ignoring | None = None) -> Iterator[Item]:
        """Yield what is at a real path and below it, each folder before what is in it, names in order.

        `include` and `exclude` count for what is below; a folder that is not chosen comes when something in it is.
        Raises NotFound when it is gone, OSError.
        """
        choice = _Choice(real, self._ignoring, include, exclude)
        if not real:
            yield from self._walk_root(choice)
            return
        parent_path, _, name = real.rpartition("/")
        with self._folder(parent_path) as parent:
            try:
                status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            except FileNotFoundError:
                raise NotFound(f"`/{real}` changed while it was read") from None
            yield from _walk(Item("", parent, name, status), choice)

    def _walk_root(self, choice: "_Choice") -> Iterator[Item]:
        folder = os.open(".", _FOLDER | os.O_CLOEXEC, dir_fd=self.root)
        try:
            yield from _walk(Item("", folder, ".", os.fstat(folder)), choice)
        finally:
            os.close(folder)

    @contextmanager
    def _folder(self, real: str) -> Iterator[int]:
        try:
            descriptor = openat2(self.root, real or ".", _FOLDER, resolve=_STRAIGHT)
        except OSError as error:
            if error.errno in _ABSENT:
                raise NotFound(f'"/{real}": not found') from error
            raise
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _real(self, path: str) -> str | None:
        """Return where a path leads below the root, None when nowhere."""
        if "\0" in path:
            raise InvalidArgument(f"the path {path!r} has a NUL byte")
        try:
            descriptor = openat2(self.root, path or ".", os.O_PATH, resolve=_FOLLOWING)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise InvalidArgument(f'too many symlinks: "/{path}"') from error
            if error.errno in _ABSENT:
                return None
            raise
        try:
            return os.readlink(f"/proc/self/fd/{descriptor}").removeprefix(self._prefix).strip("/")
        finally:
            os.close(descriptor)

    def _is_visible(self, real: str) -> bool:
        """Whether something of it is not ignored."""
        if not real or self._ignoring is None or not self._ignoring.ignores(real):
            return True
        if self._ignoring.hides(real):
            return False
        return any(item.path and item.is_chosen for item in self.walk(real))


@dataclass(frozen=True, slots=True)
class _Choice:
    base: str
    ignoring: Ignoring | None
    include: Ignoring | None
    exclude: Ignoring | None

    def takes(self, path: str) -> bool:
        """Whether something below what is walked is chosen."""
        if self.ignoring is not None and self.ignoring.ignores(self._whole(path)):
            return False
        if self.exclude is not None and self.exclude.ignores(path):
            return False
        return self.include is None or self.include.ignores(path)

    def skips(self, path: str) -> bool:
        """Whether nothing in a folder can be chosen."""
        if self.ignoring is not None and self.ignoring.hides(self._whole(path)):
            return True
        return self.exclude is not None and self.exclude.hides(path)

    def _whole(self, path: str) -> str:
        return f"{self.base}/{path}" if self.base else path


def _walk(item: Item, choice: _Choice) -> Iterator[Item]:
    if not item.is_folder:
        if item.is_chosen:
            yield item
        return
    if item.is_chosen:
        yield item
    elif choice.skips(item.path):
        return
    waiting = not item.is_chosen
    folder = item.open_folder()
    try:
        for below in _entries(folder, item.path, choice):
            for found in _walk(below, choice):
                if waiting:
                    yield item
                    waiting = False
                yield found
    finally:
        os.close(folder)


def _entries(folder: int, path: str, choice: _Choice) -> Iterator[Item]:
    if path.count("/") > _GREATEST_DEPTH:
        raise InvalidArgument(f"folders are nested more than {_GREATEST_DEPTH} deep: `{path:.100}…`")
    for name in sorted(os.listdir(folder), key=os.fsencode):
        below = f"{path}/{name}" if path else name
        is_chosen = choice.takes(below)
        if not is_chosen and choice.skips(below):
            continue
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue  # removed meanwhile
        if not stat.S_ISSOCK(status.st_mode):
            yield Item(below, folder, name, status, is_chosen)


def _matches(folder: int, path: str, patterns: list[re.Pattern[str]]) -> Iterator[str]:
    """Yield the paths that match component by component, in order."""
    for name in sorted(os.listdir(folder), key=os.fsencode):
        if patterns[0].match(name) is None:
            continue
        below = f"{path}/{name}" if path else name
        if len(patterns) == 1:
            yield below
            continue
        try:
            inner = os.open(name, _FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        except OSError as error:
            if error.errno in _ABSENT:
                continue
            raise
        try:
            yield from _matches(inner, below, patterns[1:])
        finally:
            os.close(inner)
