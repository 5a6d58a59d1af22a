"""`config --resolve-image-digests`, `--lock-image-digests`: images by what their names lead to now."""

from compose.cli import registry
from compose.errors import ProjectError
from runtime.errors import EngineError
from schemas.composefile.project import Project


def pinned(project: Project) -> Project:
    """Return the project with the digest in each image's name; each name is asked for once.

    Raises ProjectError, naming the service, where a registry does not say.
    """
    remote = registry.load(registry.IMAGE_NAMES).RemoteNames()
    known: dict[str, str] = {}
    services = {}
    try:
        for name, service in project.services.items():
            if service.image and service.image not in known:
                try:
                    known[service.image] = remote.pinned(service.image)
                except EngineError as error:
                    raise ProjectError(f"service `{name}`: {error.message}", hint=error.hint) from error
            image = known.get(service.image, "")
            services[name] = service.model_copy(update={"image": image}) if image else service
    finally:
        remote.close()
    return project.model_copy(update={"services": services})


def lock_file(project: Project) -> dict[str, object]:
    """Return an override file that holds the images alone."""
    images = {name: {"image": service.image} for name, service in project.services.items() if service.image}
    return {"services": images}
