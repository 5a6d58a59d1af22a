"""The operations of a plan as they run: which may run now, which never will.

An edge is hard (the predecessor must have succeeded) or soft (it must be over, one way or the other). Counting what
each one waits for is all there is to it, so commands that run a plan without a graph of services need no graph library.
"""

from collections.abc import Iterable, Mapping


class Schedule:
    """What is left of a plan. Nodes are numbers; every node is reported ready once at most."""

    def __init__(
        self, after: Mapping[int, Iterable[int]], after_any: Mapping[int, Iterable[int]] | None = None
    ) -> None:
        """Build from node to hard predecessors, and node to soft ones. Raises ValueError for a cycle."""
        self._following: dict[int, dict[int, bool]] = {node: {} for node in after}
        """Node to those that wait for it; True: it must have succeeded."""
        for hard, edges in ((False, after_any or {}), (True, after)):
            for node, predecessors in edges.items():
                for each in predecessors:
                    self._following[each][node] = hard
        self._waiting_for = dict.fromkeys(after, 0)
        for following in self._following.values():
            for node in following:
                self._waiting_for[node] += 1
        self._refuse_circles()

    def __len__(self) -> int:
        """Count the nodes that are not over yet."""
        return len(self._following)

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
            for following, hard in self._following[pending.pop()].items():
                if hard and following not in lost:
                    lost.append(following)
                    pending.append(following)
        ready = [each for gone in [node, *lost] for each in self._take_out(gone)]
        return [each for each in ready if each not in lost], lost

    def _take_out(self, node: int) -> list[int]:
        ready = []
        for following in self._following.pop(node):
            if following not in self._waiting_for:
                continue  # lost by another way, and out already
            self._waiting_for[following] -= 1
            if self._waiting_for[following] == 0:
                ready.append(following)
        del self._waiting_for[node]
        return ready

    def _refuse_circles(self) -> None:
        counts = dict(self._waiting_for)
        free = self.ready()
        for node in free:  # grows meanwhile
            for following in self._following[node]:
                counts[following] -= 1
                if counts[following] == 0:
                    free.append(following)
        if len(free) < len(counts):
            raise ValueError("operations wait for one another in a circle")
