"""Where fetched trees are kept: one folder for each commit, complete or not there at all.

A tree is filled beside its place and moved there by one rename. Who fills it holds a lock on the folder that it is
filled in, so that two who want the same commit fetch it once, and what a killed one left is cleared by the next.
"""

import fcntl
import os
import posixpath
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from compose.errors import RemoteError

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
        if os.path.isdir(place):  # noqa: PTH112 - str in, no Path built
            return place
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - as above
            with _locked(place + _PART):
                if not os.path.isdir(place):  # noqa: PTH112 - as above
                    fill(place + _PART)
                    os.rename(f"{place}{_PART}/tree", place)  # noqa: PTH104 - as above
        except OSError as error:
            raise RemoteError(
                f"cannot write to the cache {self.folder}: {(error.strerror or str(error)).lower()}"
            ) from None
        return place


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
