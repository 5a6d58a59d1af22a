"""From decisions to operations and their order.

    networks, volumes ─▶ replacements beside the old ones ─▶ stop and remove, dependents first ─▶ changed
    networks and volumes anew ─▶ new containers ─▶ start, dependencies first

Each step is a pass over all services, so that an operation can wait for any of an earlier pass.
"""

from collections.abc import Iterable, Sequence
from dataclasses import field

from compose.graph.dependencies import DependencyGraph
from compose.orchestration import operation as op
from compose.orchestration.dependencies import container_partners
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.plan import Group, PlanBuilder
from compose.orchestration.reconcile.decisions import Replacement, ServiceDecision
from compose.orchestration.reconcile.leftovers import temporary_spec
from compose.orchestration.reconcile.resources import ResourceDecisions
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ContainerSpec

ORPHANED = "no such service any more"


@dataclass(slots=True)
class Nodes:
    """Numbers of the nodes so far, by what they stand for."""

    resources: dict[str, int] = field(default_factory=dict)
    """`network <name>` or `volume <name>`: made."""
    stops: dict[str, list[int]] = field(default_factory=dict)
    """Service: its containers stopped, or if it stops none, those of its dependents."""
    removals: dict[str, int] = field(default_factory=dict)
    """Container name: the one that had it is gone."""
    gone_from: dict[str, list[int]] = field(default_factory=dict)
    """`network <name>` or `volume <name>`: containers that used it are gone."""
    ports: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """Host port and protocol: containers that published it are gone."""
    existing: dict[str, int] = field(default_factory=dict)
    """Container name: the one that is to have it has it."""


class Emitter:
    """Adds the nodes of all decisions to a plan, up to containers that exist; `starter` starts them."""

    def __init__(
        self, builder: PlanBuilder, graph: DependencyGraph, options: ReconcileOptions, resources: ResourceDecisions
    ) -> None:
        self._builder = builder
        self._graph = graph
        self._options = options
        self._resources = resources
        self._service_of: dict[str, str] = {}
        self.nodes = Nodes()

    def emit(self, decisions: list[ServiceDecision], orphans: Sequence[ContainerRecord]) -> None:
        """Add everything but the starts."""
        self._make_resources(missing=True)
        for decision in decisions:
            self._make_replacements(decision)
        for record in orphans:
            stops = self._stop(record, ORPHANED, ())
            self._remove(record, ORPHANED, stops)
        for decision in reversed(decisions):
            self._clear_away(decision)
        self._remove_changed_resources()
        self._make_resources(missing=False)
        for decision in decisions:
            self._make_containers(decision)

    def _make_resources(self, *, missing: bool) -> None:
        for name, spec in self._resources.networks.items():
            cause = self._resources.changed_networks.get(name, "")
            if missing is not bool(cause):
                key = f"network {name}"
                made = op.CreateNetwork(f"network:{spec.key}", spec, cause or "no network yet")
                self.nodes.resources[key] = self._builder.add(made, after=self._removed(key))
        for name, volume in self._resources.volumes.items():
            cause = self._resources.changed_volumes.get(name, "")
            if missing is not bool(cause):
                key = f"volume {name}"
                volume_made = op.CreateVolume(f"volume:{volume.key}", volume, cause or "no volume yet")
                self.nodes.resources[key] = self._builder.add(volume_made, after=self._removed(key))

    def _remove_changed_resources(self) -> None:
        for name, cause in self._resources.changed_networks.items():
            key, resource = f"network {name}", f"network:{self._resources.networks[name].key}"
            after = self.nodes.gone_from.get(key, [])
            self.nodes.resources[key] = self._builder.add(op.RemoveNetwork(resource, name, cause), after=after)
        for name, cause in self._resources.changed_volumes.items():
            key, resource = f"volume {name}", f"volume:{self._resources.volumes[name].key}"
            after = self.nodes.gone_from.get(key, [])
            self.nodes.resources[key] = self._builder.add(op.RemoveVolume(resource, name, cause), after=after)

    def _removed(self, key: str) -> Iterable[int]:
        return [self.nodes.resources[key]] if key in self.nodes.resources else []

    def _make_replacements(self, decision: ServiceDecision) -> None:
        for each in decision.replacements:
            if not each.in_place:
                spec = temporary_spec(each.record, each.spec)
                self._create(decision, spec, each.cause, each)

    def _clear_away(self, decision: ServiceDecision) -> None:
        name = decision.service.name
        # Containers that stand in another one's namespaces, or use its mounts, go before it does.
        dependents = [node for other in self._graph.direct_dependents(name) for node in self.nodes.stops.get(other, [])]
        stops = []
        for removal in decision.removals:
            stops += self._stop(removal.record, removal.cause, dependents)
            self._remove(removal.record, removal.cause, stops[-1:] if removal.record.status.is_live else dependents)
        for each in decision.replacements:
            stops += self._replace(each, dependents)
        for kept in decision.kept:
            if kept.restart:
                group = Group("restart", kept.record.name) if self._options.start else None
                stopped = self._stop(kept.record, kept.restart, dependents, group)
                stops += stopped
                self.nodes.existing[kept.record.name] = stopped[0]
        for renaming in decision.renamings:
            resource = resource_of(renaming.record)
            cause = "finishes an interrupted recreation"
            node = self._builder.add(op.RenameContainer(resource, renaming.name, renaming.record.id, cause))
            self.nodes.existing[renaming.name] = node
        self.nodes.stops[name] = stops or dependents

    def _replace(self, each: Replacement, dependents: list[int]) -> list[int]:
        record, name = each.record, each.spec.name
        group = Group("recreate", name)
        made = [] if each.in_place else [self.nodes.existing.pop(name)]
        stops = self._stop(record, each.cause, [*dependents, *made], group)
        removed = self._remove(record, each.cause, stops or [*dependents, *made], group)
        if not each.in_place:
            temporary = temporary_spec(record, each.spec).name
            rename = op.RenameContainer(resource_of(record), name, temporary, "the old container is gone")
            self.nodes.existing[name] = self._builder.add(rename, after=[removed], group=group)
        return stops or [removed]

    def _stop(self, record: ContainerRecord, cause: str, after: Iterable[int], group: Group | None = None) -> list[int]:
        if not record.status.is_live:
            return []
        stop = op.StopContainer(resource_of(record), record.name, cause, record.id, self._options.timeout_s)
        return [self._builder.add(stop, after=after, group=group)]

    def _remove(self, record: ContainerRecord, cause: str, after: Iterable[int], group: Group | None = None) -> int:
        renewed = group is not None and self._options.renew_anonymous_volumes
        remove = op.RemoveContainer(resource_of(record), record.name, cause, record.id, volumes=renewed)
        node = self._builder.add(remove, after=after, group=group)
        self.nodes.removals[record.name] = node
        for port in record.spec.ports:
            self.nodes.ports.setdefault((port.host_port, port.protocol), []).append(node)
        for place in record.endpoints:
            self.nodes.gone_from.setdefault(f"network {place.network}", []).append(node)
        for volume in record.volumes:
            self.nodes.gone_from.setdefault(f"volume {volume}", []).append(node)
        return node

    def _make_containers(self, decision: ServiceDecision) -> None:
        for each in decision.replacements:
            if each.in_place:
                self._create(decision, each.spec, each.cause, each)
        for creation in decision.creations:
            self._create(decision, creation.spec, creation.cause, None)

    def _create(self, decision: ServiceDecision, spec: ContainerSpec, cause: str, replaced: Replacement | None) -> None:
        nodes = self.nodes
        wanted = [f"network {place.network}" for place in spec.endpoints]
        wanted += [f"volume {mount.source}" for mount in spec.mounts if mount.type == "volume"]
        after = [nodes.resources[key] for key in wanted if key in nodes.resources]
        partners = set(container_partners(decision.service))
        after += [node for name, node in nodes.existing.items() if self._service_of.get(name) in partners]
        after += [nodes.removals[spec.name]] if spec.name in nodes.removals else []
        final = replaced.spec.name if replaced else spec.name
        carried = {}
        if replaced and not self._options.renew_anonymous_volumes:
            carried = dict(replaced.record.anonymous_volumes)
        create = op.CreateContainer(f"service:{spec.service}:{spec.number}", spec, cause, final, carried)
        group = Group("recreate", final) if replaced else None
        nodes.existing[final] = self._builder.add(create, after=after, group=group)
        self._service_of[final] = spec.service


def resource_of(record: ContainerRecord) -> str:
    """Return the word of a container for plan texts."""
    kind = "run" if record.spec.oneoff else "service"
    return f"{kind}:{record.spec.service}:{record.name if record.spec.oneoff else record.spec.number}"
