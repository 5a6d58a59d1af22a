"""`down`: everything of a project goes, dependents first. Works from labels alone."""

from collections.abc import Callable, Iterable
from typing import Literal

from compose import errors
from compose.orchestration import operation as op
from compose.orchestration.commands import run_plan
from compose.orchestration.executor import Execution, Outcome
from compose.orchestration.observed import ObservedState, observe
from compose.orchestration.plan import Plan, PlanBuilder
from compose.orchestration.topology import stored_dependencies, stored_graph
from runtime.api import Runtime, RuntimeReader
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord

CAUSE = "down"


@dataclass(frozen=True, slots=True)
class Declared:
    """What the Compose file declares; without a file everything with the project's label counts."""

    services: frozenset[str]
    """Enabled and disabled ones."""
    volumes: frozenset[str]
    """Keys of those that are not external."""
    built_images: frozenset[str] = frozenset()
    """References that the file gives no `image:`, for `--rmi local`."""


@dataclass(frozen=True, slots=True)
class DownOptions:
    """Options of `down`."""

    services: tuple[str, ...] = ()
    """Only these; networks, volumes and images stay then."""
    volumes: bool = False
    remove_orphans: bool = False
    timeout_s: float | None = None
    images: Literal["", "local", "all"] = ""
    declared: Declared | None = None


def plan_down(reader: RuntimeReader, project: str, options: DownOptions) -> Plan:
    """Return what `down` would do."""
    return _plan(observe(reader, project), options)


def down(
    runtime: Runtime,
    project: str,
    options: DownOptions,
    execution: Execution,
    *,
    warn: Callable[[errors.Warning], None] | None = None,
) -> Outcome:
    """Stop and remove a project's containers, networks and, if asked, volumes and images. Raises ComposeError."""
    with runtime.locked(project):
        plan = _plan(observe(runtime, project), options)
        outcome = run_plan(plan, runtime, project, execution) if len(plan) else Outcome()
    if not len(plan):
        outcome.warnings.append(errors.Warning(f'No resource found to remove for project "{project}".'))
    if warn is not None:
        for warning in outcome.warnings:
            warn(warning)
    return outcome


def _plan(observed: ObservedState, options: DownOptions) -> Plan:
    builder = PlanBuilder()
    chosen = [record for record in observed.containers if _is_meant(record, options)]
    removed = _remove_containers(builder, observed, chosen, options)
    if not options.services:
        _remove_resources(builder, observed, options, removed)
        _remove_images(builder, chosen, options, removed.values())
    return builder.build()


def _is_meant(record: ContainerRecord, options: DownOptions) -> bool:
    if options.services:
        return record.spec.service in options.services and not record.spec.oneoff
    if options.declared is None or options.remove_orphans:
        return True
    # A container of `run` is an orphan to docker compose, and may still be at work.
    return record.spec.service in options.declared.services and not record.spec.oneoff


def _remove_containers(
    builder: PlanBuilder, observed: ObservedState, chosen: list[ContainerRecord], options: DownOptions
) -> dict[str, int]:
    """Add stop and removal of each; return container id to the node of its removal."""
    dependencies = stored_dependencies(observed.containers)
    graph = stored_graph(dependencies)
    removed: dict[str, int] = {}
    over: dict[str, list[int]] = {}
    for service in reversed(graph.order()):
        dependents = [node for other in graph.direct_dependents(service) for node in over.get(other, [])]
        mine = []
        for record in (each for each in chosen if each.spec.service == service):
            after = dependents
            resource = _resource(record)
            if record.status.is_live:
                stop = op.StopContainer(resource, record.name, CAUSE, record.id, options.timeout_s)
                after = [builder.add(stop, after=dependents)]
            remove = op.RemoveContainer(resource, record.name, CAUSE, record.id, force=True, volumes=options.volumes)
            removed[record.id] = builder.add(remove, after=after)
            mine.append(removed[record.id])
        over[service] = mine or dependents
    return removed


def _remove_resources(
    builder: PlanBuilder, observed: ObservedState, options: DownOptions, removed: dict[str, int]
) -> None:
    using: dict[str, list[int]] = {}
    for record in observed.containers:
        if record.id in removed:
            for place in record.endpoints:
                using.setdefault(f"network {place.network}", []).append(removed[record.id])
            for name in record.volumes:
                using.setdefault(f"volume {name}", []).append(removed[record.id])
    for network in observed.networks.values():
        if network.spec.project == observed.project:
            remove = op.RemoveNetwork(f"network:{network.spec.key}", network.name, CAUSE, lenient=True)
            builder.add(remove, after=using.get(f"network {network.name}", []))
    if not options.volumes:
        return
    for volume in observed.volumes.values():
        declared = options.declared is None or volume.spec.key in options.declared.volumes
        if volume.spec.project == observed.project and not volume.anonymous and declared:
            drop = op.RemoveVolume(f"volume:{volume.spec.key}", volume.name, CAUSE, lenient=True)
            builder.add(drop, after=using.get(f"volume {volume.name}", []))


def _remove_images(
    builder: PlanBuilder, chosen: list[ContainerRecord], options: DownOptions, removed: Iterable[int]
) -> None:
    if not options.images:
        return
    built = options.declared.built_images if options.declared else frozenset()
    after = list(removed)
    for image in dict.fromkeys(record.spec.image for record in chosen):
        if options.images == "all" or image in built:
            builder.add(op.RemoveImage(f"image:{image}", image, CAUSE), after=after)


def _resource(record: ContainerRecord) -> str:
    return f"service:{record.spec.service}:{record.spec.number}"
