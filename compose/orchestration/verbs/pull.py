"""`pull`, and the pulls before `up`, `create`, `run`: which images, and why."""

import time
from collections.abc import Sequence
from dataclasses import replace

from compose.orchestration import operation as op
from compose.orchestration import pull_policy
from compose.orchestration.commands import run_images, run_plan
from compose.orchestration.dependencies import check_names, service_graph
from compose.orchestration.executor import Execution, Outcome
from compose.orchestration.observed import ObservedState
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.plan import Plan, PlanBuilder
from compose.orchestration.verbs.observation import observe_project
from runtime.api import Runtime, RuntimeReader
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from schemas.dataclass import dataclass

_SKIPPED = "Skipped"


@dataclass(frozen=True, slots=True)
class PullOptions:
    """Options of `pull`."""

    services: tuple[str, ...] = ()
    include_dependencies: bool = False
    ignore_failures: bool = False
    ignore_buildable: bool = False


@dataclass(frozen=True, slots=True)
class PullPlan:
    """What `pull` does and what it passes over."""

    plan: Plan
    skipped: tuple[tuple[str, str], ...]
    """Service and why, in docker compose's words."""


def plan_pull(project: Project, observed: ObservedState, options: PullOptions) -> PullPlan:
    """Return what `pull` would do. Raises ProjectError for a name that is no service."""
    check_names(project, options.services)
    names = service_graph(project).selection(options.services, with_dependencies=options.include_dependencies)
    builder = PlanBuilder()
    skipped = []
    pulled_by: dict[str, str] = {}
    for name in sorted(names):
        service = project.services[name]
        reason = _why_skipped(service, observed, options)
        if not reason and service.image in pulled_by:
            reason = f"{_SKIPPED} - Image is already being pulled by {pulled_by[service.image]}"
        if reason:
            skipped.append((name, reason))
            continue
        pulled_by[service.image] = name
        buildable = service.build is not None
        builder.add(_operation([service], project, "pull", buildable=buildable, lenient=options.ignore_failures))
    return PullPlan(builder.build(), tuple(skipped))


def pull(runtime: Runtime, project: Project, options: PullOptions, execution: Execution) -> Outcome:
    """Pull the images of services; what failed is in the outcome. Raises ProjectError for a name that is no service."""
    decided = plan_pull(project, observe_project(runtime, project), options)
    return run_images(decided.plan, runtime, project.name, execution, title="Pulling", skipped=decided.skipped)


def plan_required(reader: RuntimeReader, project: Project, options: ReconcileOptions) -> Plan:
    """Return the pulls that come before containers are made."""
    check_names(project, options.services)
    names = service_graph(project).selection(options.services, with_dependencies=options.with_dependencies)
    observed = observe_project(reader, project)
    aging = [service.image for service in project.services.values() if pull_policy.window_s(service.pull_policy)]
    observed = replace(observed, images_since_ns={image: reader.image_since_ns(image) for image in aging})
    now_ns = time.time_ns()
    users: dict[tuple[str, str], list[ServiceConfig]] = {}
    causes: dict[tuple[str, str], str] = {}
    for service in (project.services[name] for name in sorted(names)):
        cause = pull_policy.why_pulled(service, project, observed, now_ns)
        if cause:
            key = (service.image, pull_policy.platform_of(service, project))
            users.setdefault(key, []).append(service)
            causes.setdefault(key, cause)
    builder = PlanBuilder()
    for key, services in users.items():
        buildable = pull_policy.can_be_built(services[0], project.services.values())
        builder.add(
            _operation(services, project, causes[key], buildable=buildable, lenient=buildable, quiet=options.quiet_pull)
        )
    return builder.build()


def pull_required(runtime: Runtime, project: Project, options: ReconcileOptions, execution: Execution) -> bool:
    """Pull what `up` needs before it makes anything; False when it was interrupted. Raises ComposeError."""
    plan = plan_required(runtime, project, options)
    if not len(plan):
        return True
    return not run_plan(plan, runtime, project.name, execution, title="Pulling").interrupted


def _why_skipped(service: ServiceConfig, observed: ObservedState, options: PullOptions) -> str:
    if not service.image:
        return f"{_SKIPPED} - No image to be pulled"
    match service.pull_policy:
        case pull_policy.NEVER | pull_policy.BUILD:
            return _SKIPPED
        case pull_policy.MISSING if service.image in observed.images and not _is_latest(service.image):
            return f"{_SKIPPED} - Image is already present locally"
    if service.build is not None and options.ignore_buildable:
        return f"{_SKIPPED} - Image can be built"
    return ""


def _is_latest(image: str) -> bool:
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return not digest and tag in ("", "latest")


def _operation(
    services: Sequence[ServiceConfig],
    project: Project,
    cause: str,
    *,
    buildable: bool,
    lenient: bool,
    quiet: bool = False,
) -> op.PullImage:
    first = services[0]
    return op.PullImage(
        resource=f"image:{first.image}",
        name=first.name,
        image=first.image,
        cause=cause,
        platform=pull_policy.platform_of(first, project),
        also=tuple(service.name for service in services[1:]),
        buildable=buildable,
        lenient=lenient,
        quiet=quiet,
    )
