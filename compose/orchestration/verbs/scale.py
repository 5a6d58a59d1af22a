"""`scale` and `--scale`: other numbers of replicas."""

from collections.abc import Iterable, Mapping

from compose.errors import ProjectError
from compose.orchestration.dependencies import check_names
from schemas.composefile.project import Project


def parse_scale(specifiers: Iterable[str]) -> dict[str, int]:
    """Return service to number from `web=3`. Raises ProjectError."""
    numbers = {}
    for specifier in specifiers:
        service, separator, number = specifier.partition("=")
        if not service or not separator or not number.isdigit():
            raise ProjectError(f"invalid scale specifier: {specifier}")
        numbers[service] = int(number)
    return numbers


def scaled(project: Project, numbers: Mapping[str, int]) -> Project:
    """Return the project with these numbers of replicas. Raises ProjectError for an unknown service."""
    if not numbers:
        return project
    check_names(project, numbers)
    for name, number in numbers.items():
        fixed = project.services[name].container_name
        if fixed and number > 1:
            raise ProjectError(
                f'service "{name}" has the fixed container name `{fixed}` and cannot have {number} containers',
                hint="remove `container_name`",
            )
    return project.with_scale(dict(numbers))
