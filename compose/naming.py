"""Names of projects, containers, images and resources.

Source: compose-spec, 04-version-and-name.md; docker compose, pkg/compose.
"""

from compose.errors import ProjectError

_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


def normalize_project_name(text: str) -> str:
    """Lower case, without what a name may not contain; may be empty."""
    return "".join(each for each in text.lower() if each in _ALLOWED).lstrip("_-")


def require_project_name(name: str) -> str:
    """The name, if it is valid as it stands. Raises ProjectError."""
    if name and name == normalize_project_name(name):
        return name
    raise ProjectError(
        f'invalid project name "{name}": must consist only of lowercase alphanumeric characters, hyphens, '
        "and underscores as well as start with a letter or number",
        hint=f"`{normalize_project_name(name)}` would do" if normalize_project_name(name) else "",
    )


def container_name(project: str, service: str, number: int | str, *, compatibility: bool = False) -> str:
    """`project-service-1`; with underscores for `--compatibility`."""
    return ("_" if compatibility else "-").join((project, service, str(number)))


def resource_name(project: str, key: str) -> str:
    """The name of a network, volume, secret or config that gives itself none."""
    return f"{project}_{key}"


def image_name(project: str, service: str, *, compatibility: bool = False) -> str:
    """The name of an image that is built for a service and has no `image:`."""
    return f"{project}{'_' if compatibility else '-'}{service}"
