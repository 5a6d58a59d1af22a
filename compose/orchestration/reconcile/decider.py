"""What becomes of each container of each service. Nothing here knows of operations or their order."""

from collections.abc import Sequence

from compose.orchestration.dependencies import container_partners, needs
from compose.orchestration.options import Recreate
from compose.orchestration.reconcile import leftovers
from compose.orchestration.reconcile.decisions import (
    Creation,
    Kept,
    Removal,
    Replacement,
    ServiceDecision,
    Situation,
)
from compose.orchestration.reconcile.divergence import why_diverged
from compose.orchestration.specs.container import container_spec
from compose.orchestration.specs.surroundings import Surroundings
from schemas.composefile.service import ServiceConfig
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ContainerSpec

_Judged = tuple[ContainerRecord, ContainerSpec, str]


def decide(situation: Situation) -> list[ServiceDecision]:
    """Return the decisions in dependency order."""
    return _Decider(situation).go()


class _Decider:
    """Goes through the services once, dependencies first, and remembers what it decided."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._options = situation.options
        self._made: dict[str, ServiceDecision] = {}
        self._names: dict[str, str] = {}
        image_ids = {reference: image.id for reference, image in situation.observed.images.items()}
        self._surroundings = Surroundings(situation.project, self._names, image_ids)
        selection = situation.graph.selection(self._options.services, with_dependencies=self._options.with_dependencies)
        self._selected = frozenset(selection) - set(self._options.without)

    def go(self) -> list[ServiceDecision]:
        """Decide about every service that is asked for, or that another decision touches."""
        all_existing = self._situation.observed.by_service()
        for name in self._situation.graph.order():
            service = self._situation.project.services[name]
            existing = all_existing.get(name, ())
            if name in self._selected or (existing and self._is_touched(service, existing)):
                decision = self._made[name] = self._decide(service, existing)
                names: Sequence[str] = decision.names
            else:
                names = [record.name for record in existing]
            if names:
                self._names[name] = names[0]
        return list(self._made.values())

    def _is_touched(self, service: ServiceConfig, existing: Sequence[ContainerRecord]) -> bool:
        """Whether a service that was not asked for cannot be left alone."""
        if any(self._on_changed_resource(record) for record in existing):
            return True
        # Without starting, `create` would leave such a service stopped for good.
        follows = self._options.with_dependencies and self._options.start
        return follows and bool(self._recreated_partner(service) or self._restarted_dependency(service))

    def _decide(self, service: ServiceConfig, existing: Sequence[ContainerRecord]) -> ServiceDecision:
        decision = ServiceDecision(service, start=service.name in self._selected)
        records = list(leftovers.sort_out(existing, decision))
        judged = self._judge(service, records)
        wanted = service.replicas if decision.start else len(records)
        # The ones that would have to be replaced go first, then those with the highest numbers.
        judged.sort(key=lambda each: (bool(each[2]), each[0].spec.number))
        decision.removals.extend(Removal(record, f"scaled down to {wanted}") for record, _, _ in judged[wanted:])
        for record, spec, cause in sorted(judged[:wanted], key=lambda each: each[0].spec.number):
            if cause:
                in_place = self._must_go_first(service, record, spec)
                decision.replacements.append(Replacement(record, spec, cause, in_place))
            else:
                decision.kept.append(Kept(record, spec, self._why_restart(service, record)))
        decision.creations.extend(self._missing(service, wanted, records))
        return decision

    def _judge(self, service: ServiceConfig, records: Sequence[ContainerRecord]) -> list[_Judged]:
        judged = []
        for record in records:
            spec = container_spec(self._surroundings, service, record.spec.number)
            judged.append((record, spec, self._why_recreate(service, record, spec)))
        return judged

    def _missing(self, service: ServiceConfig, wanted: int, records: Sequence[ContainerRecord]) -> list[Creation]:
        highest = max((record.spec.number for record in records), default=0)
        cause = f"scaled up to {wanted}" if records else "no container yet"
        return [
            Creation(container_spec(self._surroundings, service, highest + offset + 1), cause)
            for offset in range(wanted - len(records))
        ]

    def _why_recreate(self, service: ServiceConfig, record: ContainerRecord, wanted: ContainerSpec) -> str:
        options, observed = self._options, self._situation.observed
        is_named = not options.services or service.name in options.services
        policy = options.recreate if is_named else options.recreate_dependencies
        forced = self._on_changed_resource(record) or self._recreated_partner(service)
        if service.name not in self._selected or policy is Recreate.NEVER:
            # Left alone as far as that is possible.
            return forced
        if policy is Recreate.FORCE:
            return forced or "recreation is forced"
        if options.renew_anonymous_volumes and is_named:
            return forced or "anonymous volumes are renewed"
        return forced or why_diverged(record, wanted, observed.images, observed.networks)

    def _on_changed_resource(self, record: ContainerRecord) -> str:
        for volume in record.volumes:
            if volume in self._situation.changed_volumes:
                return self._situation.changed_volumes[volume]
        for place in record.endpoints:
            if place.network in self._situation.changed_networks:
                return self._situation.changed_networks[place.network]
        return ""

    def _recreated_partner(self, service: ServiceConfig) -> str:
        for name in container_partners(service):
            if name in self._made and self._made[name].is_recreated:
                return f"service {name} is recreated"
        return ""

    def _why_restart(self, service: ServiceConfig, record: ContainerRecord) -> str:
        return self._restarted_dependency(service) if record.status.is_live else ""

    def _restarted_dependency(self, service: ServiceConfig) -> str:
        for name, dependency in needs(service).items():
            if not dependency.restart or name not in self._made:
                continue
            if self._made[name].is_recreated:
                return f"dependency {name} is recreated"
            if any(kept.restart for kept in self._made[name].kept):
                return f"dependency {name} is restarted"
        return ""

    def _must_go_first(self, service: ServiceConfig, record: ContainerRecord, spec: ContainerSpec) -> bool:
        """Whether old and new cannot exist side by side: a fixed address, a partner or a resource made anew."""
        return (
            bool(self._on_changed_resource(record))
            or any(name in self._made and self._made[name].is_made for name in container_partners(service))
            or any(place.ipv4_address or place.ipv6_address or place.mac_address for place in spec.endpoints)
            or any(place.network in self._situation.changed_networks for place in spec.endpoints)
            or any(mount.source in self._situation.changed_volumes for mount in spec.mounts)
        )
