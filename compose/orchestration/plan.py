"""A plan: operations and what each waits for, readable as text.

    [1] -> network:default, CreateNetwork, no network yet
    [2] -> #1 service:db:1, CreateContainer, no container yet
    [3] -> #2 service:db:1, StartContainer, created

`#n` must have succeeded, `~n` must only be over. The text is what `--dry-run` prints and what tests compare.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from compose.orchestration.operation import Operation
from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that are one event to the user."""

    kind: Literal["recreate", "restart"]
    container: str
    """Its name in the end."""


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One operation in its place."""

    number: int
    """From 1, larger than those of everything it waits for."""
    operation: Operation
    after: tuple[int, ...] = ()
    after_any: tuple[int, ...] = ()
    group: Group | None = None

    def __str__(self) -> str:
        waits = ",".join([*(f"#{number}" for number in self.after), *(f"~{number}" for number in self.after_any)])
        operation = self.operation
        subject = f"{waits} {operation.resource}" if waits else operation.resource
        return f"[{self.number}] -> {subject}, {type(operation).__name__}, {operation.cause}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be done, in an order that would work one by one."""

    nodes: tuple[PlanNode, ...] = ()

    def __str__(self) -> str:
        return "\n".join(str(node) for node in self.nodes)

    def __iter__(self) -> Iterator[PlanNode]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)


class PlanBuilder:
    """Collects nodes; a node can only wait for those added before it, so there are no circles."""

    def __init__(self) -> None:
        self._nodes: list[PlanNode] = []

    def add(
        self,
        operation: Operation,
        *,
        after: Iterable[int] = (),
        after_any: Iterable[int] = (),
        group: Group | None = None,
    ) -> int:
        """Add an operation and return its number."""
        number = len(self._nodes) + 1
        hard = tuple(sorted(set(after)))
        soft = tuple(sorted(set(after_any) - set(hard)))
        if any(not 0 < each < number for each in (*hard, *soft)):
            raise ValueError(f"node {number} waits for one that comes later")
        self._nodes.append(PlanNode(number, operation, hard, soft, group))
        return number

    def build(self) -> Plan:
        """Return what was collected."""
        return Plan(tuple(self._nodes))
