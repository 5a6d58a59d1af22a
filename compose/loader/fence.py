"""What a fetched Compose file may name: files of its own tree, and of a project folder that the user gave it.

Whatever the loader reads because a file says so goes through here (`include`, `extends`, env and label files), so that
looking at a remote project shows nothing of this machine. What containers are given of it when the project is started
(binds, secrets, build contexts) is not restricted, as with docker compose. Compare CVE-2025-62725.
"""

from collections.abc import Iterator
from typing import Any

from compose.errors import RemoteError
from compose.loader.problem import Path, Problem
from compose.loader.source import SourceReader, resolve
from compose.loader.tree_path import Tree
from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Fence:
    """The border around one fetched file."""

    root: str
    """The tree that it came with; nothing in it may be a link that leads out."""
    folder: str
    """The project folder, given by a file of this machine; empty where it is not."""

    def check(self, file: str, path: Path, reader: SourceReader) -> None:
        """Raise Problem where `file`, absolute and clean, lies beyond."""
        if self.folder and _is_below(file, self.folder):
            return
        if not _is_below(file, self.root):
            raise self._beyond(file, path, "which is not in its own repository")
        if not _is_below(reader.real_path(file), reader.real_path(self.root)):
            raise self._beyond(file, path, "a link that leaves its own repository")

    def _beyond(self, file: str, path: Path, reason: str) -> Problem:
        shown = file.removeprefix(f"{self.root}/")
        return Problem(f"a fetched Compose file names `{shown}`, {reason}", path, kind=RemoteError)

    def check_service_files(self, tree: Tree, base: str, reader: SourceReader) -> None:
        """The env and label files of all services of one document, in any form. Raises Problem."""
        for file, path in _service_files(tree):
            if file.startswith("~"):
                raise self._beyond(file, path, "which is not in its own repository")
            self.check(resolve(base, file), path, reader)


def _is_below(file: str, folder: str) -> bool:
    return file == folder or file.startswith(folder.rstrip("/") + "/")


def _service_files(tree: Tree) -> Iterator[tuple[str, Path]]:
    services = tree.get("services")
    for name, service in services.items() if isinstance(services, dict) else ():
        for key in ("env_file", "label_file"):
            value: Any = service.get(key) if isinstance(service, dict) else None
            for index, item in enumerate(value if isinstance(value, list) else [value]):
                file = item.get("path") if isinstance(item, dict) else item
                if isinstance(file, str) and file:
                    yield file, ("services", name, key, *((index,) if isinstance(value, list) else ()))
