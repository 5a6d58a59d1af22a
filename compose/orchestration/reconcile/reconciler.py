"""The one decision of `up`: from what should be and what is to what is to be done. Pure."""

from compose import errors
from compose.orchestration.dependencies import check_names, service_graph
from compose.orchestration.observed import ObservedState
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.plan import Plan, PlanBuilder
from compose.orchestration.reconcile import orphans
from compose.orchestration.reconcile.decider import decide
from compose.orchestration.reconcile.decisions import ServiceDecision, Situation
from compose.orchestration.reconcile.emitter import Emitter
from compose.orchestration.reconcile.resources import decide_resources
from compose.orchestration.reconcile.starter import Starter
from compose.orchestration.specs import warnings
from schemas.composefile.project import Project
from schemas.dataclass import dataclass
from schemas.engine.status import ContainerStatus


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The plan and what to tell about it."""

    plan: Plan
    warnings: tuple[errors.Warning, ...] = ()
    unchanged: tuple[tuple[str, str], ...] = ()
    """Name and word (Running, Created) of the containers that stay as they are."""
    containers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Service and the names of the containers that it will have."""


def reconcile(project: Project, observed: ObservedState, options: ReconcileOptions) -> Reconciliation:
    """Return what is to be done. Raises ComposeError for what cannot be."""
    check_names(project, options.services)
    graph = service_graph(project)
    resources = decide_resources(project, observed, options, graph)
    situation = Situation(project, observed, options, graph, resources.changed_networks, resources.changed_volumes)
    decisions = decide(situation)
    builder = PlanBuilder()
    emitter = Emitter(builder, graph, options, resources)
    emitter.emit(decisions, orphans.orphans(project, observed) if options.remove_orphans else [])
    if options.start:
        Starter(builder, options, emitter.nodes).emit(decisions)
    of_services = [warning for decision in decisions for warning in warnings.check(decision.service)]
    return Reconciliation(
        plan=builder.build(),
        warnings=(*of_services, *resources.warnings, *orphans.warnings(project, observed, options)),
        unchanged=tuple(pair for decision in decisions for pair in _unchanged(decision)),
        containers=tuple((decision.service.name, decision.names) for decision in decisions if decision.start),
    )


def _unchanged(decision: ServiceDecision) -> list[tuple[str, str]]:
    return [
        (kept.record.name, "Running" if kept.record.status.is_live else "Created")
        for kept in decision.kept
        if decision.start and not kept.restart and kept.record.status is not ContainerStatus.PAUSED
    ]
