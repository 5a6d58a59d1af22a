"""From the names of other files in a Compose file to paths: local, fetched, and never beyond what is allowed."""

from compose.errors import RemoteError
from compose.loader.fence import Fence
from compose.loader.options import LoadOptions
from compose.loader.problem import Path, Problem
from compose.loader.source import resolve
from compose.loader.tree_path import Tree
from compose.remote.names import is_remote
from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class References:
    """How one file's references are read."""

    options: LoadOptions
    base: str
    """The folder that relative paths start in."""
    fence: Fence | None
    """None for a file of this machine, which may name what it likes."""

    def compose_file(self, name: str, path: Path) -> str:
        """The Compose file of an `include` or `extends`; fetched where it is elsewhere. Raises Problem."""
        if not is_remote(name):
            return self.local(name, path)
        try:
            return self.options.local_copy(name, by_fetched=self.fence is not None)
        except RemoteError as error:
            raise Problem(error.message, path, kind=RemoteError, hint=error.hint) from None

    def local(self, name: str, path: Path) -> str:
        """A file or folder that is never elsewhere. Raises Problem."""
        file = resolve(self.base, name)
        if self.fence:
            self.fence.check(file, path, self.options.reader)
        return file

    def check_service_files(self, tree: Tree) -> None:
        """The env and label files that a document's services name. Raises Problem."""
        if self.fence:
            self.fence.check_service_files(tree, self.base, self.options.reader)


def references_of(file: str, base: str, options: LoadOptions, given: str = "") -> References:
    """How the references in `file` are read; `given` is the project folder that a local file gave to it."""
    root = options.root_of(file)
    return References(options, base, Fence(root, given) if root else None)
