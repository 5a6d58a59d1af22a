"""The container's file tree before it is anybody's `/`: every path in it is resolved by the kernel.

Nothing here joins strings to host paths. A path of the image, the Compose file or the container is
resolved with openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), so a symbolic link or `..` ends up
inside the root, and a race can move the end but not the root (CVE-2021-30465, CVE-2024-45310).
"""

import errno
import os
import stat
from collections.abc import Sequence

from runtime.errors import SyscallError
from runtime.syscall import constants as c
from runtime.syscall.mount import openat2

_MOST_LINKS = 40
_IN_ROOT = c.RESOLVE_IN_ROOT | c.RESOLVE_NO_MAGICLINKS


def split_path(path: str) -> list[str]:
    """Return a path's components with `.` and `..` taken out lexically, as Docker cleans targets."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return parts


class Tree:
    """A directory descriptor and the paths below it. Descriptors it returns are the caller's to close."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def open(self, path: str, flags: int = os.O_PATH, *, links: bool = True) -> int:
        """Open something that exists; without `links` no component may be a symbolic link."""
        resolve = _IN_ROOT if links else _IN_ROOT | c.RESOLVE_NO_SYMLINKS
        relative = path.lstrip("/")
        return openat2(self.descriptor, relative or ".", flags, resolve=resolve, subject=f"/{relative}")

    def read_file(self, path: str, most_bytes: int) -> bytes:
        """Return the content of a regular file, empty when there is none."""
        try:
            descriptor = self.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            return b""
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return b""
            chunks = []
            while most_bytes > 0 and (chunk := os.read(descriptor, min(most_bytes, 1 << 16))):
                chunks.append(chunk)
                most_bytes -= len(chunk)
            return b"".join(chunks)
        finally:
            os.close(descriptor)

    def folder(self, path: str, mode: int = 0o755, *, links: bool = True) -> int:
        """Open a folder, made with what is missing above it."""
        try:
            return self.open(path, os.O_PATH | os.O_DIRECTORY, links=links)
        except SyscallError as error:
            if error.errno != errno.ENOENT:
                raise
        return self._make_folder(split_path(path), mode, _MOST_LINKS if links else 0)

    def file(self, path: str, mode: int = 0o755) -> int:
        """Open a file (of any type but a folder), made empty when missing."""
        try:
            return self.open(path)
        except SyscallError as error:
            if error.errno != errno.ENOENT:
                raise
        return self._make_file(split_path(path), mode, _MOST_LINKS)

    def place(self, path: str, mode: int = 0o755) -> tuple[int, str]:
        """Return the folder that holds `path`, made when missing, and the last component."""
        parts = split_path(path)
        if not parts:
            raise SyscallError(errno.EISDIR, "open", path)
        return self.folder("/".join(parts[:-1]), mode), parts[-1]

    def made(self, parent: int, name: str) -> None:
        """Hear of a folder that was made on the way to a place."""

    def _make_folder(self, parts: Sequence[str], mode: int, links_left: int) -> int:
        done: list[str] = []
        for part in parts:
            done.append(part)
            try:
                os.close(self.open("/".join(done), os.O_PATH | os.O_DIRECTORY, links=links_left > 0))
            except SyscallError as error:
                if error.errno != errno.ENOENT:
                    raise
                self._make_one(done, mode, links_left)
        return self.open("/".join(parts), os.O_PATH | os.O_DIRECTORY, links=links_left > 0)

    def _make_one(self, parts: list[str], mode: int, links_left: int) -> None:
        parent = self.open("/".join(parts[:-1]), os.O_PATH | os.O_DIRECTORY)
        try:
            os.mkdir(parts[-1], mode, dir_fd=parent)
            self.made(parent, parts[-1])
        except FileExistsError:
            # It was missing and is there: a dangling link, whose target is made inside the root.
            target = self._link_target(parts, parent, links_left)
            os.close(self._make_folder(target, mode, links_left - 1))
        except OSError as error:
            raise SyscallError(error.errno or 0, "mkdir", "/" + "/".join(parts)) from error
        finally:
            os.close(parent)

    def _make_file(self, parts: list[str], mode: int, links_left: int) -> int:
        if not parts:
            raise SyscallError(errno.EISDIR, "open", "/")
        parent = self._make_folder(parts[:-1], 0o755, links_left)
        flags = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY | os.O_CLOEXEC
        try:
            os.close(os.open(parts[-1], flags, mode, dir_fd=parent))
        except FileExistsError:
            if links_left <= 0:
                raise
            return self._make_file(self._link_target(parts, parent, links_left), mode, links_left - 1)
        finally:
            os.close(parent)
        return self.open("/".join(parts))

    def _link_target(self, parts: list[str], parent: int, links_left: int) -> list[str]:
        subject = "/" + "/".join(parts)
        if links_left <= 0:
            raise SyscallError(errno.ELOOP, "open", subject)
        try:
            target = os.readlink(parts[-1], dir_fd=parent)
        except OSError as error:
            raise SyscallError(error.errno or 0, "readlink", subject) from error
        return split_path(target if target.startswith("/") else "/".join([*parts[:-1], target]))
