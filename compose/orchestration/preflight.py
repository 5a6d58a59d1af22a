"""What must hold before anything is made: all images there, all published ports free. All or nothing."""

from collections.abc import Iterator

from compose.errors import ComposeError, ErrorGroup, ProjectError
from compose.orchestration import operation as op
from compose.orchestration.observed import ObservedState
from compose.orchestration.plan import Plan
from compose.orchestration.pull_policy import is_for
from runtime.api import Runtime
from runtime.errors import Conflict
from schemas.composefile.project import Project
from schemas.engine.specs import ContainerSpec, PortBinding


def check_images(plan: Plan, project: Project, observed: ObservedState) -> None:
    """Raise ProjectError (ErrorGroup for several) for images that the store lacks, or has for another platform."""
    missing: dict[str, list[str]] = {}
    for spec in _created(plan):
        _check_platform(spec, project, observed)
        if spec.image not in observed.images and spec.service not in missing.setdefault(spec.image, []):
            missing[spec.image].append(spec.service)
    found: list[ComposeError] = [
        _missing_image(project, image, services) for image, services in missing.items() if services
    ]
    if len(found) > 1:
        raise ErrorGroup(found)
    if found:
        raise found[0]


def check_ports(plan: Plan, runtime: Runtime, observed: ObservedState) -> None:
    """Raise ProjectError when a port that a container is going to publish is somebody else's."""
    bindings = list(_bindings(plan, observed))
    if not bindings:
        return
    _check_among_themselves(bindings)
    released = [
        node.operation.reference or node.operation.name
        for node in plan
        if isinstance(node.operation, op.StopContainer | op.RemoveContainer | op.StartContainer)
    ]
    ids = {record.name: record.id for record in observed.containers}
    try:
        runtime.check_ports(bindings, ignoring=[ids.get(reference, reference) for reference in released])
    except Conflict as error:
        raise ProjectError(error.message, hint=error.hint) from error


def _created(plan: Plan) -> Iterator[ContainerSpec]:
    for node in plan:
        if isinstance(node.operation, op.CreateContainer):
            yield node.operation.spec


def _check_platform(spec: ContainerSpec, project: Project, observed: ObservedState) -> None:
    image, service = observed.images.get(spec.image), project.all_services.get(spec.service)
    if image is None or service is None:
        return
    if not is_for(image, service.platform):
        raise ProjectError(
            f"image `{spec.image}` of service `{spec.service}` is for {image.os}/{image.architecture}, "
            f"and `platform` wants {service.platform}"
        )


def _missing_image(project: Project, image: str, services: list[str]) -> ProjectError:
    names = ", ".join(f"`{name}`" for name in services)
    users = f"service {names}" if len(services) == 1 else f"services {names}"
    config = project.all_services.get(services[0])
    if config is not None and config.build is not None:
        return ProjectError(
            f"image `{image}` of {users} has not been built",
            hint="without `--no-build` it would be",
        )
    return ProjectError(
        f"no such image: `{image}`, needed by {users}",
        hint="its `pull_policy` forbids a pull; `pycompose image load` or `image import` bring it in from a file",
    )


def _bindings(plan: Plan, observed: ObservedState) -> Iterator[tuple[str, PortBinding]]:
    """Yield container name and port of everything that is going to be started."""
    specs = {record.name: record.spec for record in observed.containers}
    for node in plan:
        if isinstance(node.operation, op.CreateContainer):
            specs[node.operation.name] = node.operation.spec
    for node in plan:
        if isinstance(node.operation, op.StartContainer):
            for binding in specs[node.operation.name].ports if node.operation.name in specs else ():
                yield node.operation.name, binding


def _check_among_themselves(bindings: list[tuple[str, PortBinding]]) -> None:
    taken: dict[tuple[int, str], list[tuple[str, PortBinding]]] = {}
    for name, binding in bindings:
        if not binding.host_port or binding.host_port_end:
            continue
        others = taken.setdefault((binding.host_port, binding.protocol), [])
        for other_name, other in others:
            if not other.host_ip or not binding.host_ip or other.host_ip == binding.host_ip:
                raise ProjectError(
                    f"port {binding.host_port}/{binding.protocol} cannot be published twice: "
                    f"by `{other_name}` and by `{name}`",
                    hint="give a range such as `8080-8090:80`, or no host port at all, to a service with replicas",
                )
        others.append((name, binding))
