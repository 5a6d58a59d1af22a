"""How files are read, and how their names are resolved.

All reading goes through a SourceReader, so that tests give the loader a dict of texts.
"""

import os
from typing import Protocol


class SourceReader(Protocol):
    """The loader's only way to files. Paths are absolute."""

    def read(self, path: str) -> bytes:
        """The content. Raises OSError."""

    def is_file(self, path: str) -> bool:
        """Whether something other than a folder is there."""

    def is_directory(self, path: str) -> bool:
        """Whether a folder is there."""

    def real_path(self, path: str) -> str:
        """The path without symbolic links."""


class RemoteFiles(Protocol):
    """The loader's only way to files that are elsewhere."""

    def local_copy(self, reference: str, *, by_fetched: bool) -> str:
        """The Compose file that a reference means, fetched, as an absolute path. Raises RemoteError.

        `by_fetched`: a file that was itself fetched has the reference.
        """

    def root_of(self, path: str) -> str:
        """The folder of the fetched tree that an absolute path lies in; empty where it lies in none."""


class DiskReader:
    """Reads the host's files."""

    def read(self, path: str) -> bytes:
        """The content. Raises OSError."""
        with open(path, "rb") as file:
            return file.read()

    def is_file(self, path: str) -> bool:
        """Whether something other than a folder is there (a FIFO counts: `--env-file <(…)`)."""
        return os.path.exists(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112 - str in, str out: no Path built

    def is_directory(self, path: str) -> bool:
        """Whether a folder is there."""
        return os.path.isdir(path)  # noqa: PTH112 - as above

    def real_path(self, path: str) -> str:
        """The path without symbolic links."""
        return os.path.realpath(path)


def resolve(base: str, path: str) -> str:
    """`path` as an absolute, cleaned path; a relative one starts at `base`."""
    return os.path.normpath(os.path.join(base, path))  # noqa: PTH118 - `//` and `..` as Go's filepath.Join
