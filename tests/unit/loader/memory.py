"""Projects in memory: the loader's reader over a dict of texts."""

from collections.abc import Mapping

from compose.loader.options import LoadOptions
from compose.loader.project import LoadResult, load
from compose.loader.tree_path import Tree

FOLDER = "/srv/shop"


class MappingReader:
    """Files by absolute path; a folder is there when something lies below it."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str) -> bytes:
        if path not in self._files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self._files[path]

    def is_file(self, path: str) -> bool:
        return path in self._files

    def is_directory(self, path: str) -> bool:
        return any(file.startswith(f"{path.rstrip('/')}/") for file in self._files)

    def real_path(self, path: str) -> str:
        return path


def options(given: Mapping[str, str], environment: Mapping[str, str] | None = None, /, **more) -> LoadOptions:
    """Options for files that are given relative to the project's folder."""
    data = {name if name.startswith("/") else f"{FOLDER}/{name}": text.encode() for name, text in given.items()}
    variables = {"HOME": "/home/tester", **(environment or {})}
    return LoadOptions(cwd=FOLDER, environment=variables, reader=MappingReader(data), **more)


def load_text(text: str, environment: Mapping[str, str] | None = None, **more) -> LoadResult:
    """Load a project of one file."""
    return load(options({"compose.yaml": text}, environment, **more))


def service(text: str, environment: Mapping[str, str] | None = None) -> Tree:
    """The printed form of service `a`, whose attributes are given in YAML's flow style."""
    tree = load_text(f"services: {{a: {{image: i, {text}}}}}", environment).model
    return dict(tree["services"]["a"])
