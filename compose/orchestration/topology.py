"""Dependencies between the services that have containers, as their labels tell them.

`down`, `stop`, `start`, `restart` work on what exists, so they read what was true when it was made
(label `com.docker.compose.depends_on`) and need no Compose file.
"""

from collections.abc import Iterable, Mapping

from compose import labels
from compose.errors import CircularDependency
from compose.graph.dependencies import DependencyGraph
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord


@dataclass(frozen=True, slots=True)
class StoredDependency:
    """One entry of the label."""

    condition: str = "service_started"
    restart: bool = False


def dependencies_of(record: ContainerRecord) -> dict[str, StoredDependency]:
    """Return what a container's label says. Entries of older versions may have the name alone."""
    found = {}
    for entry in record.spec.labels.get(labels.DEPENDENCIES, "").split(","):
        name, _, rest = entry.partition(":")
        condition, _, restart = rest.partition(":")
        if name:
            found[name] = StoredDependency(condition or "service_started", restart == "true")
    return found


def stored_dependencies(records: Iterable[ContainerRecord]) -> dict[str, dict[str, StoredDependency]]:
    """Return service to dependency to its entry, over all containers of the service."""
    found: dict[str, dict[str, StoredDependency]] = {}
    for record in records:
        found.setdefault(record.spec.service, {}).update(dependencies_of(record))
    return found


def stored_graph(dependencies: Mapping[str, Iterable[str]]) -> DependencyGraph:
    """Return the graph of services. Labels from different times can form a circle: then there is no order."""
    try:
        return DependencyGraph(dependencies)
    except CircularDependency:
        return DependencyGraph(dict.fromkeys(dependencies, ()))
