"""`run`: another container of a service, beside its replicas."""

import os
from collections.abc import Callable
from dataclasses import field, replace

from compose import errors, labels
from compose.naming import container_name
from compose.orchestration import operation as op
from compose.orchestration import preflight
from compose.orchestration.commands import run_plan
from compose.orchestration.dependencies import check_names, needs
from compose.orchestration.executor import Execution
from compose.orchestration.observed import ObservedState
from compose.orchestration.options import BuildWhen, ReconcileOptions
from compose.orchestration.plan import Plan, PlanBuilder
from compose.orchestration.reconcile.reconciler import Reconciliation, reconcile
from compose.orchestration.specs.container import container_spec
from compose.orchestration.specs.surroundings import Surroundings
from compose.orchestration.specs.warnings import check
from compose.orchestration.verbs.build import build_required
from compose.orchestration.verbs.observation import observe_project
from compose.orchestration.verbs.pull import pull_required
from runtime.api import Runtime
from runtime.errors import Cancelled
from schemas.composefile.port import PortConfig
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from schemas.composefile.volume import ServiceVolume
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ContainerSpec, RestartPolicy

SLUG_DIGITS = 12


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of `run`; what is None is as the service has it."""

    service: str
    build: BuildWhen = BuildWhen.MISSING
    quiet_build: bool = False
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: dict[str, str | None] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    name: str = ""
    user: str = ""
    working_dir: str = ""
    volumes: tuple[ServiceVolume, ...] = ()
    """In long form, as the loader reads them."""
    publish: tuple[PortConfig, ...] = ()
    service_ports: bool = False
    use_aliases: bool = False
    tty: bool = False
    interactive: bool = True
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    with_dependencies: bool = True
    quiet_pull: bool = False
    remove_orphans: bool = False
    ignore_orphans: bool = False


def create_one_off(
    runtime: Runtime,
    project: Project,
    options: RunOptions,
    execution: Execution,
    *,
    warn: Callable[[errors.Warning], None] | None = None,
) -> ContainerRecord:
    """Start what the service needs, wait for its conditions, make the container. The caller starts it.

    Raises ComposeError, ErrorGroup for several.
    """
    check_names(project, [options.service])
    if options.publish and options.service_ports:
        raise errors.ProjectError("--service-ports and --publish are incompatible")
    wanted = _reconcile_options(options)
    whole = replace(wanted, without=())
    if not (
        pull_required(runtime, project, whole, execution) and build_required(runtime, project, whole, execution, warn)
    ):
        raise Cancelled("canceled")
    with runtime.locked(project.name):
        observed = observe_project(runtime, project)
        decided = reconcile(project, observed, wanted)
        spec = one_off_spec(project, observed, options)
        own = _own_plan(project, options, spec, decided)
        if warn is not None:
            for warning in (*decided.warnings, *check(project.services[options.service])):
                warn(warning)
        for plan in (decided.plan, own):
            preflight.check_images(plan, project, observed)
            preflight.check_ports(plan, runtime, observed)
        run_plan(decided.plan, runtime, project.name, execution, title="Creating", unchanged=decided.unchanged)
        run_plan(own, runtime, project.name, execution, title="Creating")
        return runtime.container(spec.name)


def one_off_spec(project: Project, observed: ObservedState, options: RunOptions) -> ContainerSpec:
    """Return the spec: the service's, without what replicas alone have, with what the command line says."""
    service = _changed_service(project, options)
    image_ids = {reference: image.id for reference, image in observed.images.items()}
    firsts = {name: observed.of_service(name)[0].name for name in project.services if observed.of_service(name)}
    spec = container_spec(Surroundings(project, firsts, image_ids), service)
    endpoints = spec.endpoints
    if not options.use_aliases:
        endpoints = tuple(replace(endpoint, aliases=()) for endpoint in endpoints)
    return replace(
        spec,
        oneoff=True,
        restart=RestartPolicy(),
        endpoints=tuple(replace(place, ipv4_address="", ipv6_address="", mac_address="") for place in endpoints),
        labels={**spec.labels, **options.labels, labels.ONEOFF: "True"},
    )


def _changed_service(project: Project, options: RunOptions) -> ServiceConfig:
    service = project.services[options.service]
    slug = os.urandom(SLUG_DIGITS // 2).hex()
    changes: dict[str, object] = {
        "container_name": options.name or container_name(project.name, service.name, f"run-{slug}"),
        "environment": {**service.environment, **options.environment},
        "tty": options.tty,
        "stdin_open": options.interactive,
        "volumes": _volumes(service, options),
        "ports": (service.ports if options.service_ports else ()) + options.publish,
        "cap_add": (*service.cap_add, *options.cap_add),
        "cap_drop": (*service.cap_drop, *options.cap_drop),
    }
    if options.entrypoint is not None:
        changes |= {"entrypoint": options.entrypoint, "command": ()}
    if options.command is not None:
        changes["command"] = options.command
    if options.user:
        changes["user"] = options.user
    if options.working_dir:
        changes["working_dir"] = options.working_dir
    return service.model_copy(update=changes)


def _volumes(service: ServiceConfig, options: RunOptions) -> tuple[ServiceVolume, ...]:
    replaced = {volume.target for volume in options.volumes}
    return (*(volume for volume in service.volumes if volume.target not in replaced), *options.volumes)


def _reconcile_options(options: RunOptions) -> ReconcileOptions:
    return ReconcileOptions(
        services=(options.service,),
        without=(options.service,),
        with_dependencies=options.with_dependencies,
        quiet_pull=options.quiet_pull,
        build=options.build,
        quiet_build=options.quiet_build,
        remove_orphans=options.remove_orphans,
        ignore_orphans=options.ignore_orphans,
    )


def _own_plan(project: Project, options: RunOptions, spec: ContainerSpec, decided: Reconciliation) -> Plan:
    builder = PlanBuilder()
    waits = []
    containers = dict(decided.containers)
    for name, dependency in needs(project.services[options.service]).items():
        condition = op.Condition(dependency.condition)
        names = containers.get(name, ())
        if condition is not op.Condition.STARTED and names:
            cause = f"{options.service} waits for {name}"
            wait = op.WaitCondition(f"service:{name}", name, names, condition, cause, dependency.required)
            waits.append(builder.add(wait))
    builder.add(op.CreateContainer(f"run:{options.service}:{spec.name}", spec, "run"), after=waits)
    return builder.build()
