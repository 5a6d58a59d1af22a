"""Services and what they depend on: order, subsets, cycles."""

from collections.abc import Iterable, Mapping

from compose.errors import CircularDependency
from compose.graph.digraph import networkx


class DependencyGraph:
    """Services as nodes, `dependent -> dependency` as edges. Names that are no node are left out.

    Every answer keeps the order in which the names were given, so that a plan is the same each time.
    """

    def __init__(self, dependencies: Mapping[str, Iterable[str]]) -> None:
        """Build from `dependencies`: service name to the names that it needs. Raises CircularDependency."""
        self._rank = {name: position for position, name in enumerate(dependencies)}
        self._graph: networkx.DiGraph[str] = networkx.DiGraph()
        self._graph.add_nodes_from(dependencies)
        self._graph.add_edges_from(
            (name, needed) for name, all_needed in dependencies.items() for needed in all_needed if needed in self._rank
        )
        self._refuse_cycles()

    def order(self) -> tuple[str, ...]:
        """Return all names, each after everything that it depends on."""
        return tuple(networkx.lexicographical_topological_sort(self._graph.reverse(copy=False), self._position))

    def direct_dependencies(self, name: str) -> tuple[str, ...]:
        """Return what a service names itself."""
        return self._sorted(self._graph.successors(name))

    def direct_dependents(self, name: str) -> tuple[str, ...]:
        """Return the services that name this one."""
        return self._sorted(self._graph.predecessors(name))

    def dependencies(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return everything that the named ones need, directly or not, without themselves."""
        wanted = set(names)
        found = {needed for name in wanted for needed in networkx.descendants(self._graph, name)}
        return self._sorted(found - wanted)

    def dependents(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return everything that needs one of the named ones, directly or not, without themselves."""
        wanted = set(names)
        found = {needing for name in wanted for needing in networkx.ancestors(self._graph, name)}
        return self._sorted(found - wanted)

    def selection(self, names: Iterable[str], *, with_dependencies: bool = True) -> tuple[str, ...]:
        """Return the named ones (all: none named), with what they need, dependencies first."""
        wanted = set(names) or set(self._rank)
        if with_dependencies:
            wanted |= set(self.dependencies(wanted))
        return tuple(name for name in self.order() if name in wanted)

    def _position(self, name: str) -> int:
        return self._rank[name]

    def _sorted(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(names, key=self._position))

    def _refuse_cycles(self) -> None:
        if networkx.is_directed_acyclic_graph(self._graph):
            return
        for name in self._rank:
            try:
                edges = networkx.find_cycle(self._graph, source=name)
            except networkx.NetworkXNoCycle:
                continue
            names = [edge[0] for edge in edges]
            first = min(range(len(names)), key=lambda position: self._rank[names[position]])
            path = [*names[first:], *names[:first], names[first]]
            raise CircularDependency(f"dependency cycle detected: {' -> '.join(path)}")
