"""`build`, and the builds before `up`, `create` and `run`: which images, in which order, and why."""

from collections.abc import Callable, Mapping
from dataclasses import field, replace

from compose import errors
from compose.errors import DanglingReference
from compose.events import BuildProgress, ProgressEvent
from compose.graph.dependencies import DependencyGraph
from compose.orchestration.commands import run_plan
from compose.orchestration.dependencies import check_names, service_graph
from compose.orchestration.executor import Execution, Outcome
from compose.orchestration.operation import BuildImage
from compose.orchestration.options import BuildWhen, ReconcileOptions
from compose.orchestration.plan import Plan, PlanBuilder
from compose.orchestration.specs.build import BuildOptions, build_spec, built_on
from compose.orchestration.specs.caches import cache_warnings
from compose.orchestration.specs.surroundings import image_of
from runtime.api import Runtime, RuntimeReader
from runtime.errors import NotFound
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from schemas.dataclass import dataclass

_POLICY = "build"
_WITHOUT_EFFECT = ("isolation", "provenance", "sbom")


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What a command wants built."""

    services: tuple[str, ...] = ()
    """Empty: all that are built."""
    with_dependencies: bool = False
    options: BuildOptions = field(default_factory=BuildOptions)


def plan_build(project: Project, request: BuildRequest) -> Plan:
    """Return what `build` does. Raises ProjectError for a name that is no service."""
    check_names(project, request.services)
    names = service_graph(project).selection(request.services, with_dependencies=request.with_dependencies)
    reasons = {name: "build" for name in names if project.services[name].build is not None}
    return _plan(project, reasons, request.options)


def plan_builds(reader: RuntimeReader, project: Project, options: ReconcileOptions) -> Plan:
    """Return the builds that bringing services up begins with: of images that are not there, or of all."""
    if options.build is BuildWhen.NEVER or not any(it.build for it in project.services.values()):
        return PlanBuilder().build()
    names = service_graph(project).selection(options.services, with_dependencies=options.with_dependencies)
    reasons = {name: reason for name in names if (reason := _why(project, project.services[name], reader, options))}
    return _plan(project, reasons, BuildOptions())


def build_required(
    runtime: Runtime,
    project: Project,
    options: ReconcileOptions,
    execution: Execution,
    warn: Callable[[errors.Warning], None] | None,
) -> bool:
    """Carry out `plan_builds`. Return False where the user stopped it. Raises the failures."""
    check_names(project, options.services)
    plan = plan_builds(runtime, project, options)
    if not len(plan):
        return True
    heard = replace(execution, events=_Silence()) if options.quiet_build else execution
    return not build(runtime, project, plan, heard, warn or (lambda _: None)).interrupted


def build(
    runtime: Runtime, project: Project, plan: Plan, execution: Execution, warn: Callable[[errors.Warning], None]
) -> Outcome:
    """Carry out a plan of builds. Raises the failures of the outcome."""
    for warning in build_warnings(project, plan):
        warn(warning)
    return run_plan(plan, runtime, project.name, execution, title="Building")


def build_warnings(project: Project, plan: Plan) -> list[errors.Warning]:
    """Return what a build leaves out of what the file asks for."""
    found = []
    for node in plan:
        if not isinstance(node.operation, BuildImage):
            continue
        service = project.all_services[node.operation.name]
        found += [errors.Warning(message) for message in cache_warnings(service)]
        ignored = [name for name in _WITHOUT_EFFECT if _asks(service, name)]
        if ignored:
            words = ", ".join(f"`{name}`" for name in ignored)
            message = f"services.{service.name}.build: {words} {'has' if len(ignored) == 1 else 'have'} no effect here"
            found.append(errors.Warning(message))
    return found


def _asks(service: ServiceConfig, name: str) -> bool:
    value = getattr(service.build, name, None)
    return bool(value) and value not in ("false", "0")


class _Silence:
    """Takes all progress and shows none."""

    def start(self, title: str) -> None:
        """Say nothing."""

    def on(self, event: ProgressEvent | BuildProgress) -> None:
        """Say nothing."""

    def done(self, *, success: bool) -> None:
        """Say nothing."""


def _why(project: Project, service: ServiceConfig, reader: RuntimeReader, options: ReconcileOptions) -> str:
    """Why an image is built; empty: it is not."""
    if service.build is None:
        return ""
    if options.build is BuildWhen.ALWAYS:
        return "--build"
    if service.pull_policy == _POLICY:
        return "pull_policy: build"
    try:
        reader.image(image_of(project, service))
    except NotFound:
        return "no image yet"
    return ""


def _plan(project: Project, reasons: Mapping[str, str], options: BuildOptions) -> Plan:
    """Every service whose image another one is built on comes first; the others go side by side."""
    wanted = dict(reasons)
    for name in reasons:
        _add_bases(project, name, wanted)
    graph = DependencyGraph({name: built_on(project.all_services[name]) for name in wanted})
    builder = PlanBuilder()
    numbers: dict[str, int] = {}
    for name in graph.order():
        service = project.all_services[name]
        spec = build_spec(project, service, options)
        after = {numbers[needed] for needed in built_on(service)}
        numbers[name] = builder.add(BuildImage(f"image:{name}", name, spec, wanted[name]), after=after)
    return builder.build()


def _add_bases(project: Project, name: str, wanted: dict[str, str]) -> None:
    """Add the services whose images a service is built on, and those that they are built on."""
    for needed in built_on(project.all_services[name]):
        other = project.all_services.get(needed)
        if other is None or other.build is None:
            raise DanglingReference(f'service "{name}" is built on {needed}, which has no `build`')
        if needed not in wanted:
            wanted[needed] = f"{name} is built on it"
            _add_bases(project, needed, wanted)
