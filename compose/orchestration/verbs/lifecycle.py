"""`stop`, `start`, `restart`, `kill`, `pause`, `unpause`, `rm` of containers that exist; from labels alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from compose.orchestration import operation as op
from compose.orchestration.commands import run_plan
from compose.orchestration.executor import Execution, Outcome
from compose.orchestration.plan import Group, Plan, PlanBuilder
from compose.orchestration.selection import containers_of
from compose.orchestration.topology import stored_dependencies, stored_graph
from runtime.api import Runtime, RuntimeReader
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ExecSpec
from schemas.engine.status import ContainerStatus


@dataclass(frozen=True, slots=True)
class LifecycleOptions:
    """Options of these commands; each reads those it has."""

    services: tuple[str, ...] = ()
    """Only these; empty: all."""
    timeout_s: float | None = None
    with_dependents: bool = True
    """restart: also those whose `depends_on` says `restart: true`; False is `--no-deps`."""
    signal: str = "SIGKILL"
    volumes: bool = False
    """rm: anonymous volumes too."""
    stop_first: bool = False
    """rm: also what runs."""
    wait: bool = False
    """start: until all of it runs, is healthy, or has ended well."""
    wait_timeout_s: float | None = None
    pre_stop: Mapping[str, Sequence[ExecSpec]] = field(default_factory=dict)
    """stop, restart: service to the hooks that run before the signal."""
    post_start: Mapping[str, Sequence[ExecSpec]] = field(default_factory=dict)
    """start, restart: service to the hooks that run after the start."""


Planner = Callable[[RuntimeReader, str, LifecycleOptions], Plan]


def run(planner: Planner, runtime: Runtime, project: str, options: LifecycleOptions, execution: Execution) -> Outcome:
    """Plan under the project's lock and execute. `planner` is one of the `plan_…` below. Raises ComposeError."""
    with runtime.locked(project):
        return run_plan(planner(runtime, project, options), runtime, project, execution)


def plan_stop(reader: RuntimeReader, project: str, options: LifecycleOptions) -> Plan:
    """Stop what runs, dependents first."""
    records = containers_of(reader, project, options.services)
    graph = stored_graph(stored_dependencies(records))
    builder = PlanBuilder()
    over: dict[str, list[int]] = {}
    for service in reversed(graph.order()):
        dependents = [node for other in graph.direct_dependents(service) for node in over.get(other, [])]
        mine = [_stop(builder, record, options, dependents) for record in _live(records, service)]
        over[service] = mine or dependents
    return builder.build()


def plan_start(reader: RuntimeReader, project: str, options: LifecycleOptions) -> Plan:
    """Start what does not run, and what it needs, dependencies first and by their conditions."""
    containers_of(reader, project, options.services)
    records = containers_of(reader, project)
    dependencies = stored_dependencies(records)
    builder = PlanBuilder()
    started: dict[str, list[int]] = {}
    for service in stored_graph(dependencies).selection(options.services):
        mine = [record for record in records if record.spec.service == service and not record.status.is_live]
        after: list[int] = []
        for name, dependency in dependencies[service].items() if mine else ():
            condition = op.Condition(dependency.condition)
            names = tuple(record.name for record in records if record.spec.service == name)
            if condition is op.Condition.STARTED or not names:
                after += started.get(name, [])
            else:
                cause = f"{service} waits for {name}"
                wait = op.WaitCondition(f"service:{name}", name, names, condition, cause)
                after.append(builder.add(wait, after=started.get(name, [])))
        started[service] = [_start(builder, record, options, after) for record in mine]
    if options.wait:
        _wait_for_all(builder, records, started, options)
    return builder.build()


def plan_restart(reader: RuntimeReader, project: str, options: LifecycleOptions) -> Plan:
    """Stop and start, dependencies first; those that ask for it with `restart: true` follow."""
    containers_of(reader, project, options.services)
    records = containers_of(reader, project)
    following = {
        service: [name for name, dependency in needed.items() if dependency.restart]
        for service, needed in stored_dependencies(records).items()
    }
    graph = stored_graph(following)
    chosen = set(options.services) or set(following)
    if options.with_dependents:
        chosen |= set(graph.dependents(chosen))
    builder = PlanBuilder()
    started: dict[str, list[int]] = {}
    for service in graph.order():
        if service not in chosen:
            continue
        dependencies = [node for name in graph.direct_dependencies(service) for node in started.get(name, [])]
        started[service] = [
            _restart(builder, record, options, dependencies) for record in records if record.spec.service == service
        ]
    return builder.build()


def plan_kill(reader: RuntimeReader, project: str, options: LifecycleOptions) -> Plan:
    """Send the signal to everything that runs, `run`'s containers too."""
    builder = PlanBuilder()
    for record in containers_of(reader, project, options.services, one_off=True):
        if record.status.is_live:
            builder.add(op.KillContainer(_resource(record), record.name, "kill", record.id, options.signal))
    return builder.build()


def plan_pause(reader: RuntimeReader, project: str, options: LifecycleOptions) -> Plan:
    """Freeze what runs."""
    builder = PlanBuilder()
    for record in containers_of(reader, project, options.services):
        if record.status is ContainerStatus.RUNNING:
            builder.add(op.PauseContainer(_resource(record), record.name, "pause", record.id))
    return builder.build()


def plan_unpause(reader: RuntimeReader, project: str, options: LifecycleOptions) -> Plan:
    """Thaw what is frozen."""
    builder = PlanBuilder()
    for record in containers_of(reader, project, options.services):
        if record.status is ContainerStatus.PAUSED:
            builder.add(op.UnpauseContainer(_resource(record), record.name, "unpause", record.id))
    return builder.build()


def plan_remove(reader: RuntimeReader, project: str, options: LifecycleOptions) -> Plan:
    """Remove what does not run; with `stop_first` everything. Those of `run` stay."""
    builder = PlanBuilder()
    for record in containers_of(reader, project, options.services):
        after: list[int] = []
        if record.status.is_live:
            if not options.stop_first:
                continue
            after = [_stop(builder, record, options, ())]
        remove = op.RemoveContainer(_resource(record), record.name, "rm", record.id, volumes=options.volumes)
        builder.add(remove, after=after)
    return builder.build()


def _restart(builder: PlanBuilder, record: ContainerRecord, options: LifecycleOptions, after: Sequence[int]) -> int:
    group = Group("restart", record.name)
    if record.status.is_live:
        after = [_stop(builder, record, options, after, group)]
    return _start(builder, record, options, after, group)


def _stop(
    builder: PlanBuilder,
    record: ContainerRecord,
    options: LifecycleOptions,
    after: Sequence[int],
    group: Group | None = None,
) -> int:
    for hook in options.pre_stop.get(record.spec.service, ()):
        run_hook = op.RunHook(_resource(record), record.name, hook, "pre_stop", "before the signal", record.id)
        after = [builder.add(run_hook, after=after)]
    stop = op.StopContainer(_resource(record), record.name, "stop", record.id, options.timeout_s)
    return builder.add(stop, after=after, group=group)


def _start(
    builder: PlanBuilder,
    record: ContainerRecord,
    options: LifecycleOptions,
    after: Sequence[int],
    group: Group | None = None,
) -> int:
    start = op.StartContainer(_resource(record), record.name, "start", record.id)
    node = builder.add(start, after=after, group=group)
    for hook in options.post_start.get(record.spec.service, ()):
        run_hook = op.RunHook(_resource(record), record.name, hook, "post_start", "after the start", record.id)
        node = builder.add(run_hook, after=[node])
    return node


def _wait_for_all(
    builder: PlanBuilder,
    records: Sequence[ContainerRecord],
    started: Mapping[str, list[int]],
    options: LifecycleOptions,
) -> None:
    for service, nodes in started.items():
        names = tuple(record.name for record in records if record.spec.service == service)
        wait = op.WaitCondition(
            f"service:{service}", service, names, op.Condition.SETTLED, "start --wait", timeout_s=options.wait_timeout_s
        )
        builder.add(wait, after=nodes)


def _live(records: Sequence[ContainerRecord], service: str) -> list[ContainerRecord]:
    return [record for record in records if record.spec.service == service and record.status.is_live]


def _resource(record: ContainerRecord) -> str:
    return f"service:{record.spec.service}:{record.spec.number}"
