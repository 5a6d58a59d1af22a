"""Keys of `include` and `extends` that mean nothing: docker compose reads these two before it checks any key.

Mostly they are typos, and what was meant has no effect. To refuse them would be to refuse files that work, so they are
warned of.
"""

from typing import Any

from compose.loader.hints import with_hint
from compose.loader.problem import Path, Report
from compose.loader.schema import INCLUDE
from compose.loader.schema_service import COMPOSE_FILE, SERVICE
from compose.loader.shapes import Shape, problems
from compose.loader.tree_path import Tree


def warn_of_overlooked(tree: Tree, report: Report) -> None:
    """Report unknown keys of a document's `include` and its services' `extends`; what else is wrong is for others."""
    included = tree.get("include")
    for index, entry in enumerate(included if isinstance(included, list) else ()):
        _warn(tree, entry, INCLUDE, ("include", index), report)
    services = tree.get("services")
    for name, service in services.items() if isinstance(services, dict) else ():
        if isinstance(service, dict) and "extends" in service:
            _warn(tree, service["extends"], SERVICE.keys["extends"], ("services", name, "extends"), report)


def _warn(tree: Tree, value: Any, shape: Shape, path: Path, report: Report) -> None:
    for problem in problems(value, shape, path):
        if problem.code == "unknown-key":
            place = "extends" if path[0] == "services" else "include"
            message = f"`{place}` has no key `{problem.path[-1]}`, which is overlooked"
            hint = with_hint(problem, tree, COMPOSE_FILE).hint
            report(message, problem.path, hint, code=problem.code, on_key=True)
