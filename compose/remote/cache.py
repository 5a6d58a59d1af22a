"""Where fetched trees are kept: one folder for each commit, complete or not there at all.

A tree is filled beside its place and moved there by one rename. Who fills it holds a lock on the folder that it is
filled in, so that two who want the same commit fetch it once, and what a killed one left is cleared by the next.
"""

import fcntl
import os
import posixpath
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from compose.errors import RemoteError
from schemas.dataclass import dataclass

_PART = ".part"


@dataclass(frozen=True, slots=True)
class Cache:
    """The trees below one folder, by commit."""

    folder: str

    def tree(self, commit: str, fill: Callable[[str], None]) -> str:
        """The folder with the tree of a commit.

        Where there is none, `fill` is called with an empty folder, and has to leave a folder `tree` in it.
        Raises RemoteError where the cache cannot be written, and whatever `fill` does.
        """
        place = posixpath.join(self.folder, commit)
        try:
            for folder in (posixpath.dirname(self.folder), self.folder):
                os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - str in, no Path built
            self._require_own()
            if os.path.isdir(place):  # noqa: PTH112 - as above
                return place
            with _locked(place + _PART):
                if not os.path.isdir(place):  # noqa: PTH112 - as above
                    fill(place + _PART)
                    os.rename(f"{place}{_PART}/tree", place)  # noqa: PTH104 - as above
        except OSError as error:
            raise RemoteError(
                f"cannot write to the cache {self.folder}: {(error.strerror or str(error)).lower()}"
            ) from None
        return place

    def _require_own(self) -> None:
        """Who else can write here could put anything in a commit's place."""
        status = os.stat(self.folder)  # noqa: PTH116 - as above
        us = os.geteuid()
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or (us != 0 and status.st_uid not in (0, us)):
            hint = "`chmod go-w` it, or name another place by XDG_CACHE_HOME"
            raise RemoteError(f"others can write to the cache {self.folder}", hint=hint)


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """Hold a folder, empty and gone afterwards; another holder may have removed it meanwhile."""
    while True:
        os.makedirs(path, mode=0o700, exist_ok=True)  # noqa: PTH103 - as above
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is(descriptor, path):
                continue
            for name in os.listdir(path):  # noqa: PTH208 - as above
                shutil.rmtree(f"{path}/{name}")
            try:
                yield
            finally:
                shutil.rmtree(path, ignore_errors=True)
            return
        finally:
            os.close(descriptor)


def _is(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False
