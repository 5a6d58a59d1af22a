"""When a service's image is pulled: `pull_policy`, from a service and what is there to a reason or none. Pure.

compose-spec, 05-services.md; docker/compose, pkg/compose/pull.go. `missing` pulls what is not there, the tag
`latest` too (only `pull` itself refreshes that).
"""

import re
from collections.abc import Iterable

from compose.orchestration.observed import ObservedState
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from schemas.engine.records import ImageRecord

ALWAYS, NEVER, MISSING, BUILD = "always", "never", "missing", "build"
_DAY_S = 24 * 3600
_WINDOWS = {"daily": _DAY_S, "weekly": 7 * _DAY_S}
_UNITS = {"w": 7 * _DAY_S, "d": _DAY_S, "h": 3600, "m": 60, "s": 1}
_OTHER_NAMES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}
"""Of architectures in `platform`, to those in images."""
_SECOND_NS = 10**9


def window_s(policy: str) -> int:
    """Return the seconds after which a policy wants an image again; 0 for one that does not ask for the time."""
    if policy.startswith("every_"):
        return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9]+)([wdhms])", policy))
    return _WINDOWS.get(policy, 0)


def is_refreshing(service: ServiceConfig) -> bool:
    """Whether a service may want its image again although it is there."""
    return service.pull_policy in (ALWAYS, "refresh") or bool(window_s(service.pull_policy))


def why_pulled(service: ServiceConfig, project: Project, observed: ObservedState, now_ns: int) -> str:
    """Return why `up` pulls a service's image, empty when it does not. `now_ns` is the wall clock."""
    policy = service.pull_policy
    if not service.image or policy in (NEVER, BUILD):
        return ""
    image = observed.images.get(service.image)
    if image is None:
        return "no image yet"
    if policy == ALWAYS:
        return "pull_policy: always"
    if policy == "refresh" or window_s(policy):
        age_s = (now_ns - observed.images_since_ns.get(service.image, 0)) / _SECOND_NS
        return f"pull_policy: {policy}" if age_s >= window_s(policy) else ""
    wanted = platform_of(service, project)
    return "" if is_for(image, wanted) else f"the image is for {image.os}/{image.architecture}"


def platform_of(service: ServiceConfig, project: Project) -> str:
    """Return the platform of a service's image; empty is this machine's."""
    return service.platform or project.environment.get("DOCKER_DEFAULT_PLATFORM", "")


def is_for(image: ImageRecord, platform: str) -> bool:
    """Whether an image is for a platform, as far as both say what they are."""
    system, _, rest = platform.lower().partition("/")
    architecture = rest.partition("/")[0]
    wanted = _OTHER_NAMES.get(architecture, architecture)
    if not image.architecture:
        return True
    return (not system or system == image.os) and (not wanted or wanted == image.architecture)


def can_be_built(service: ServiceConfig, services: Iterable[ServiceConfig]) -> bool:
    """Whether a service's image is built by it or by another service, so that a failed pull is no end."""
    if service.build is not None:
        return True
    return any(other.build is not None and other.image == service.image for other in services)


def with_policy(project: Project, policy: str) -> Project:
    """Return the project with one policy for all services, as `--pull` says; `policy` leaves each its own."""
    if policy in ("", "policy"):
        return project
    services = {name: service.model_copy(update={"pull_policy": policy}) for name, service in project.services.items()}
    return project.model_copy(update={"services": services})
