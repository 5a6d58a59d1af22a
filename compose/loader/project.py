"""From files to the frozen project: what the pipeline resolved, as models, and as `config` prints it."""

from collections.abc import Sequence
from functools import cached_property

from compose.loader.options import LoadOptions
from compose.loader.pipeline import Resolved, resolve
from compose.loader.printed import escaped, in_yaml_order, printed_project
from compose.loader.tree_path import Tree
from compose.loader.validate import build_project
from compose.loader.yaml_writer import dump
from schemas.composefile.project import Project
from schemas.dataclass import dataclass


@dataclass
class LoadResult(Resolved):
    """A loaded project with what was noticed on the way."""

    loaded: Project | None = None
    """None without interpolation."""

    @property
    def project(self) -> Project:
        """The project. Raises RuntimeError after a load without interpolation."""
        if self.loaded is None:
            raise RuntimeError("loaded without interpolation: there is a tree, but no project")
        return self.loaded

    @cached_property
    def model(self) -> Tree:
        """What `config --format json` prints, `$` doubled."""
        return self.tree if self.loaded is None else escaped(printed_project(self.loaded), keys=True)

    @cached_property
    def yaml(self) -> str:
        """What `config` prints: YAML that loads to itself."""
        tree = self.tree if self.loaded is None else escaped(printed_project(self.loaded, yaml=True), keys=False)
        return dump(in_yaml_order(tree))


def load(options: LoadOptions, services: Sequence[str] = ()) -> LoadResult:
    """Load a project, with all services or the named ones and what they depend on.

    Raises ComposeError, with its place where a file is at fault; ErrorGroup for several at once.
    """
    resolved = resolve(options, services)
    if resolved.fields is None:
        return LoadResult(**vars(resolved))
    with resolved.placed():
        return LoadResult(**vars(resolved), loaded=build_project(resolved.fields))
