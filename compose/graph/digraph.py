"""The door to networkx: its directed graph and what is asked of one, without the rest of the package.

`import networkx` imports 290 modules (generators, readers, drawing, every algorithm) and looks through all
packages of the machine for backends: more than `up` and `down` spend on one service. The graph and our
algorithms are thirty of these modules. They are imported in the package's own order, with an empty module in
the package's place, and tried out; a version of networkx that wants more gets the plain import.
docs/decisions/0013-less-to-import.md
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_PACKAGE = "networkx"
_CORE = ("exception", "utils", "classes", "convert", "algorithms.traversal", "algorithms.dag", "algorithms.cycles")
"""In the order of the package's `__init__`, which offers the names in them as its own."""


def _put_in_place() -> None:
    """Let `import networkx` find as much of it as is used here."""
    if _PACKAGE in sys.modules:
        return
    try:
        _try_out(_core())
    except Exception:  # noqa: BLE001 - another version: whatever it misses, the whole package has it
        for name in [name for name in sys.modules if name.partition(".")[0] == _PACKAGE]:
            del sys.modules[name]


def _core() -> ModuleType:
    dispatching = {"_dispatchable": _undispatched, "_clear_cache": _nothing}
    package = _empty(_PACKAGE, dispatching)
    sys.modules[f"{_PACKAGE}.utils.backends"] = backends = ModuleType(f"{_PACKAGE}.utils.backends")
    vars(backends).update(dispatching)
    _empty(f"{_PACKAGE}.algorithms", {})
    for name in _CORE:
        for key, value in vars(import_module(f"{_PACKAGE}.{name}")).items():
            if not key.startswith("_"):
                vars(package).setdefault(key, value)
    return package


def _empty(name: str, content: dict[str, Any]) -> ModuleType:
    """Put a module in a package's place: submodules can be imported, the package's `__init__` does not run."""
    found = find_spec(name)
    if found is None:
        raise ImportError(f"no module {name}")
    module = ModuleType(name)
    module.__spec__ = found
    module.__path__ = list(found.submodule_search_locations or ())
    vars(module).update(content)
    sys.modules[name] = module
    return module


def _undispatched(function: Any = None, **_: Any) -> Any:
    """Stand for networkx's decorator of functions that a backend may take over: here none may."""
    return _undispatched if function is None else function


def _nothing(*_: Any, **__: Any) -> None:
    """Stand for the function that clears what backends have cached."""


def _try_out(package: Any) -> None:
    """Ask everything once. Raises ImportError for a wrong answer, and whatever a missing name raises."""
    graph = package.DiGraph()
    graph.add_nodes_from(("a", "b", "c"))
    graph.add_edges_from((("c", "b"), ("b", "a")))
    order = package.lexicographical_topological_sort(graph.reverse(copy=False), "abc".index)
    right = [
        list(order) == ["a", "b", "c"],
        package.is_directed_acyclic_graph(graph),
        package.ancestors(graph, "a") == {"b", "c"},
        package.descendants(graph, "c") == {"a", "b"},
        [*graph.successors("b"), *graph.predecessors("b")] == ["a", "c"],
        _cycle(package, graph) == [],
    ]
    graph.add_edge("a", "c")
    right += [_cycle(package, graph) == [("a", "c"), ("c", "b"), ("b", "a")]]
    if not all(right):
        raise ImportError(f"a part of {_PACKAGE} answers otherwise than the whole")


def _cycle(package: Any, graph: Any) -> list[tuple[str, str]]:
    try:
        return list(package.find_cycle(graph, source="a"))
    except package.NetworkXNoCycle:
        return []


_put_in_place()

import networkx as networkx  # noqa: E402 - after its core was put in place, for those who ask this door
