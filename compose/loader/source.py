"""How files are read, and how their names are resolved.

All reading goes through a SourceReader, so that tests give the loader a dict of texts.
"""

import os
from typing import Protocol

from compose.errors import ProjectError


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


def require_local(file: str) -> str:
    """The file's name, if it is one of this machine. Raises ProjectError for Compose files at a URL."""
    if "://" in file or file.startswith("git@"):
        hint = "download it, and name the local copy"
        raise ProjectError(f"{file}: Compose files at a URL are not supported", hint=hint)
    return file
