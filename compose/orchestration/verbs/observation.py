"""The snapshot of a project that the verbs decide from."""

from compose.orchestration.observed import ObservedState, observe
from compose.orchestration.specs.surroundings import image_of
from runtime.api import RuntimeReader
from schemas.composefile.project import Project


def observe_project(reader: RuntimeReader, project: Project) -> ObservedState:
    """Take the snapshot that `reconcile` decides from."""
    return observe(reader, project.name, {image_of(project, service) for service in project.services.values()})
