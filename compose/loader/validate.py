"""The door to pydantic in the loader: the typed tree becomes a Project."""

import sys
from types import ModuleType

from pydantic import ValidationError

from compose.loader.problem import Problem, Problems, dotted
from compose.loader.tree_path import Tree
from schemas.composefile.project import Project

_PLUGINS = "pydantic.plugin._loader"
"""Looks through all that is installed for plugins, when the first model is used: 25 ms or more, for code of others."""

if _PLUGINS not in sys.modules:
    sys.modules[_PLUGINS] = ModuleType(_PLUGINS)
    vars(sys.modules[_PLUGINS])["get_plugins"] = tuple


def build_project(tree: Tree) -> Project:
    """The frozen project. Raises Problems, each with its path."""
    try:
        return Project.model_validate(tree)
    except ValidationError as error:
        raise Problems(
            [
                Problem(f"{dotted(tuple(item['loc']))}: {item['msg'][:1].lower()}{item['msg'][1:]}", tuple(item["loc"]))
                for item in error.errors()
            ]
        ) from None
