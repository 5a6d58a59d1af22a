"""`push`: the images that services build, to where their names say."""

from compose.orchestration import operation as op
from compose.orchestration.commands import run_images
from compose.orchestration.dependencies import check_names, service_graph
from compose.orchestration.executor import Execution, Outcome
from compose.orchestration.plan import Plan, PlanBuilder
from runtime.api import Runtime
from schemas.composefile.project import Project
from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class PushOptions:
    """Options of `push`."""

    services: tuple[str, ...] = ()
    include_dependencies: bool = False


def plan_push(project: Project, options: PushOptions) -> tuple[Plan, list[tuple[str, str]]]:
    """Return what `push` would do, and the services it passes over: what is not built here is somebody else's.

    Raises ProjectError for a name that is no service.
    """
    check_names(project, options.services)
    names = service_graph(project).selection(options.services, with_dependencies=options.include_dependencies)
    builder = PlanBuilder()
    skipped = []
    pushed: set[str] = set()
    for service in (project.services[name] for name in sorted(names)):
        if service.build is None or not service.image:
            skipped.append((service.name, "Skipped"))
            continue
        for image in (service.image, *service.build.tags):
            if image not in pushed:
                pushed.add(image)
                builder.add(op.PushImage(f"image:{image}", service.name, image, "push"))
    return builder.build(), skipped


def push(runtime: Runtime, project: Project, options: PushOptions, execution: Execution) -> Outcome:
    """Push the images of services; what failed is in the outcome. Raises ProjectError for a name that is no service."""
    plan, skipped = plan_push(project, options)
    return run_images(plan, runtime, project.name, execution, title="Pushing", skipped=skipped)
