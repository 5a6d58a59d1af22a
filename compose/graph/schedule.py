"""The operations of a plan as they run: which may run now, which never will.

An edge is hard (the predecessor must have succeeded) or soft (it must be over, one way or the other).
"""

from collections.abc import Iterable, Mapping

from compose.graph.digraph import networkx


class Schedule:
    """What is left of a plan. Nodes are numbers; every node is reported ready once at most."""

    def __init__(
        self, after: Mapping[int, Iterable[int]], after_any: Mapping[int, Iterable[int]] | None = None
    ) -> None:
        """Build from node to hard predecessors, and node to soft ones. Raises ValueError for a cycle."""
        self._graph: networkx.DiGraph[int] = networkx.DiGraph()
        self._graph.add_nodes_from(after)
        for soft, edges in ((True, after_any or {}), (False, after)):
            for node, predecessors in edges.items():
                self._graph.add_edges_from(((each, node) for each in predecessors), soft=soft)
        if not networkx.is_directed_acyclic_graph(self._graph):
            raise ValueError("operations wait for one another in a circle")
        self._waiting_for = dict(self._graph.in_degree())

    def __len__(self) -> int:
        """Count the nodes that are not over yet."""
        return len(self._graph)

    def ready(self) -> list[int]:
        """Return what may run at the start."""
        return [node for node, count in self._waiting_for.items() if count == 0]

    def finish(self, node: int) -> list[int]:
        """Take out a node that succeeded; return those that may run now."""
        return self._take_out(node)

    def fail(self, node: int) -> tuple[list[int], list[int]]:
        """Take out a node that failed; return (those that may run now, those that never will)."""
        lost: list[int] = []
        pending = [node]
        while pending:
            for following, edge in self._graph.adj[pending.pop()].items():
                if not edge["soft"] and following not in lost:
                    lost.append(following)
                    pending.append(following)
        ready = [each for gone in [node, *lost] for each in self._take_out(gone)]
        return [each for each in ready if each not in lost], lost

    def _take_out(self, node: int) -> list[int]:
        ready = []
        for following in self._graph.successors(node):
            self._waiting_for[following] -= 1
            if self._waiting_for[following] == 0:
                ready.append(following)
        self._graph.remove_node(node)
        del self._waiting_for[node]
        return ready
