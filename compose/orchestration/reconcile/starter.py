"""Starts, in dependency order, and the waits between them."""

from collections.abc import Iterable

from compose.orchestration import operation as op
from compose.orchestration.dependencies import needs
from compose.orchestration.hooks import exec_spec
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.plan import Group, PlanBuilder
from compose.orchestration.reconcile.decisions import Kept, ServiceDecision
from compose.orchestration.reconcile.emitter import Nodes
from schemas.composefile.service import Dependency, ServiceConfig
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ContainerSpec
from schemas.engine.status import ContainerStatus, HealthStatus

_MEANING = {
    op.Condition.STARTED: "started",
    op.Condition.HEALTHY: "healthy",
    op.Condition.COMPLETED: "completed",
}


class Starter:
    """Adds the nodes that start containers, once `emitter` has made them exist."""

    def __init__(self, builder: PlanBuilder, options: ReconcileOptions, nodes: Nodes) -> None:
        self._builder = builder
        self._options = options
        self._nodes = nodes
        self._decisions: dict[str, ServiceDecision] = {}
        self._started: dict[str, list[int]] = {}
        self._waits: dict[tuple[str, op.Condition, bool], int] = {}

    def emit(self, decisions: list[ServiceDecision]) -> None:
        """Add the starts of all services, and the waits of `--wait`."""
        self._decisions = {decision.service.name: decision for decision in decisions}
        for decision in decisions:
            self._start_service(decision)
        if self._options.wait:
            for decision in decisions:
                self._wait_until_settled(decision)

    def _start_service(self, decision: ServiceDecision) -> None:
        starting = list(_to_start(decision))
        if not starting:
            return
        hard, soft = self._dependencies(decision.service)
        for spec, cause, reference, group in starting:
            ports = [
                node
                for port in spec.ports
                if port.host_port
                for node in self._nodes.ports.get((port.host_port, port.protocol), [])
            ]
            exists = [self._nodes.existing[spec.name]] if spec.name in self._nodes.existing else []
            start = op.StartContainer(f"service:{spec.service}:{spec.number}", spec.name, cause, reference)
            node = self._builder.add(start, after=[*exists, *ports, *hard], after_any=soft, group=group)
            last = self._run_hooks(decision.service, spec, node)
            self._started.setdefault(decision.service.name, []).append(last)

    def _run_hooks(self, service: ServiceConfig, spec: ContainerSpec, node: int) -> int:
        for hook in service.post_start:
            resource = f"service:{spec.service}:{spec.number}"
            run = op.RunHook(resource, spec.name, exec_spec(hook), "post_start", "the container has been started")
            node = self._builder.add(run, after=[node])
        return node

    def _dependencies(self, service: ServiceConfig) -> tuple[list[int], list[int]]:
        hard: list[int] = []
        soft: list[int] = []
        for name, dependency in needs(service).items():
            decision = self._decisions.get(name)
            # Not asked for, disabled, or scaled to nothing: there is nobody to wait for.
            if decision is None or not decision.names:
                continue
            condition = op.Condition(dependency.condition)
            if condition is not op.Condition.STARTED:
                hard.append(self._wait(service, decision, dependency, condition))
            elif dependency.required:
                hard += self._started.get(name, [])
            else:
                soft += self._started.get(name, [])
        return hard, soft

    def _wait(
        self, service: ServiceConfig, decision: ServiceDecision, dependency: Dependency, condition: op.Condition
    ) -> int:
        name = decision.service.name
        key = (name, condition, dependency.required)
        if key not in self._waits:
            wait = op.WaitCondition(
                resource=f"service:{name}",
                service=name,
                containers=decision.names,
                condition=condition,
                cause=f"{service.name} waits for {name} to be {_MEANING[condition]}",
                required=dependency.required,
            )
            started = self._started.get(name, [])
            self._waits[key] = self._builder.add(
                wait,
                after=started if dependency.required else (),
                after_any=() if dependency.required else started,
            )
        return self._waits[key]

    def _wait_until_settled(self, decision: ServiceDecision) -> None:
        service = decision.service.name
        started = self._started.get(service, [])
        if not decision.start or not decision.names or (not started and all(map(_is_settled, decision.kept))):
            return
        wait = op.WaitCondition(
            resource=f"service:{service}",
            service=service,
            containers=decision.names,
            condition=op.Condition.SETTLED,
            cause="up --wait",
            timeout_s=self._options.wait_timeout_s,
        )
        self._builder.add(wait, after=started)


def will_start(kept: Kept, decision: ServiceDecision) -> bool:
    """Whether a container that stays is started."""
    # A paused one too: that it cannot be started is better than silence.
    status = kept.record.status
    return bool(kept.restart) or (decision.start and (not status.is_live or status is ContainerStatus.PAUSED))


def _to_start(decision: ServiceDecision) -> Iterable[tuple[ContainerSpec, str, str, Group | None]]:
    """Yield spec, cause, id where it is known, and group of all that is to be started, by number."""
    found: list[tuple[ContainerSpec, str, str, Group | None]] = []
    for kept in decision.kept:
        if will_start(kept, decision):
            group = Group("restart", kept.record.name) if kept.restart else None
            found.append((kept.spec, kept.restart or _state(kept.record), kept.record.id, group))
    found.extend(
        (each.spec, "recreated", "", None)
        for each in decision.replacements
        if decision.start or each.record.status.is_live
    )
    found.extend((creation.spec, "created", "", None) for creation in decision.creations)
    return sorted(found, key=lambda each: each[0].number)


def _state(record: ContainerRecord) -> str:
    return f"exited ({record.exit_code})" if record.finished_ns else str(record.status)


def _is_settled(kept: Kept) -> bool:
    record = kept.record
    return record.status.is_live and record.health in {HealthStatus.NONE, HealthStatus.HEALTHY}
