"""From a service's `build` to what the runtime is asked to build. Pure."""

import os
from collections.abc import Mapping
from dataclasses import field

from compose import labels
from compose.errors import DanglingReference, ProjectError
from compose.orchestration.specs.caches import cache_sources, cache_targets
from compose.orchestration.specs.contexts import is_elsewhere
from compose.orchestration.specs.surroundings import image_of
from compose.version import __version__
from schemas.composefile.build import BuildConfig
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from schemas.dataclass import dataclass
from schemas.engine.builds import BuildSecret, BuildSpec
from schemas.engine.specs import Resources

SERVICE_CONTEXT = "service:"
_IMAGE = "docker-image://"
_LAYOUT = "oci-layout://"
_NETWORKS = ("", "default", "host", "none")
_INSECURE = "security.insecure"
_HOST_NETWORK = "network.host"


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What the command line adds to what the file says."""

    arguments: Mapping[str, str] = field(default_factory=dict)
    no_cache: bool = False
    pull: bool = False
    memory_bytes: int = 0
    ssh: Mapping[str, str] = field(default_factory=dict)


def build_spec(project: Project, service: ServiceConfig, options: BuildOptions) -> BuildSpec:
    """Return what is asked for. Raises ProjectError for what this version cannot build."""
    build = service.build
    if build is None:
        raise ProjectError(f"service `{service.name}` has no `build`")
    _check(service, build)
    return BuildSpec(
        context=_folder(service, build.context),
        dockerfile=build.dockerfile,
        dockerfile_inline=build.dockerfile_inline,
        references=tuple(dict.fromkeys((image_of(project, service), *build.tags))),
        target=build.target,
        arguments={
            **{name: value for name, value in build.args.items() if value is not None},
            **options.arguments,
        },
        labels={
            **build.labels,
            labels.PROJECT: project.name,
            labels.SERVICE: service.name,
            labels.VERSION: __version__,
        },
        contexts={name: _additional(project, service, value) for name, value in build.additional_contexts.items()},
        secrets=tuple(_secrets(project, service, build)),
        ssh={**{name: path or _agent(service, project) for name, path in build.ssh.items()}, **options.ssh},
        cache_from=cache_sources(service, project.working_dir),
        cache_to=cache_targets(service, project.working_dir),
        no_cache=build.no_cache or options.no_cache,
        no_cache_stages=build.no_cache_filter,
        pull=build.pull or options.pull,
        network=build.network or "default",
        extra_hosts=tuple((name, address) for name, addresses in build.extra_hosts.items() for address in addresses),
        shm_size_bytes=build.shm_size or 64 << 20,
        ulimits=tuple((name, *limit.limits) for name, limit in build.ulimits.items()),
        resources=Resources(memory_bytes=options.memory_bytes),
        platform=service.platform or (build.platforms[0] if len(build.platforms) == 1 else ""),
        allow_insecure=build.privileged or _INSECURE in build.entitlements,
        allow_host_network=_HOST_NETWORK in build.entitlements,
    )


def built_on(service: ServiceConfig) -> tuple[str, ...]:
    """Return the services whose images a service's build takes something from."""
    contexts = service.build.additional_contexts.values() if service.build else ()
    return tuple(value.removeprefix(SERVICE_CONTEXT) for value in contexts if value.startswith(SERVICE_CONTEXT))


def _check(service: ServiceConfig, build: BuildConfig) -> None:
    if build.network not in _NETWORKS:
        raise ProjectError(
            f"services.{service.name}.build.network: `{build.network}` is a network of the project's",
            hint="programs of a build have `default`, `host` or `none`",
            path=("services", service.name, "build", "network"),
        )
    if len(build.platforms) > 1 and not service.platform:
        raise ProjectError(
            f"services.{service.name}.build.platforms: an image for several platforms cannot be built here",
            hint="name one of them, this machine's, or set `platform` of the service",
            path=("services", service.name, "build", "platforms"),
        )


def _folder(service: ServiceConfig, context: str) -> str:
    if not os.path.isabs(context) and not is_elsewhere(context):  # noqa: PTH117 - a text
        raise ProjectError(
            f"services.{service.name}.build: the context `{context}` is not a folder",
            hint="a folder, an archive, or the URL of a git repository or archive can be built from",
            path=("services", service.name, "build"),
        )
    return context


def _additional(project: Project, service: ServiceConfig, value: str) -> str:
    if value.startswith(SERVICE_CONTEXT):
        name = value.removeprefix(SERVICE_CONTEXT)
        other = project.all_services.get(name)
        if other is None:
            raise DanglingReference(f'service "{service.name}" is built on undefined service {name}')
        return f"{_IMAGE}{image_of(project, other)}"
    if value.startswith(_LAYOUT):
        return f"{_LAYOUT}{os.path.join(project.working_dir, value.removeprefix(_LAYOUT))}"  # noqa: PTH118 - texts
    return _folder(service, value)


def _secrets(project: Project, service: ServiceConfig, build: BuildConfig) -> list[BuildSecret]:
    found = []
    for reference in build.secrets:
        secret = project.secrets.get(reference.source)
        if secret is None:
            raise DanglingReference(f'service "{service.name}" refers to undefined build secret {reference.source}')
        if secret.external:
            path = ("secrets", reference.source, "external")
            raise ProjectError(f"unsupported external secret {secret.name or reference.source}", path=path)
        name = reference.target or reference.source
        if secret.file:
            found.append(BuildSecret(name, file=secret.file))
        elif secret.environment and secret.environment not in project.environment:
            raise ProjectError(
                f'environment variable "{secret.environment}" required by secret "{reference.source}" is not set',
                path=("secrets", reference.source, "environment"),
            )
        else:
            value = project.environment[secret.environment] if secret.environment else secret.content or ""
            found.append(BuildSecret(name, value=value))
    return found


def _agent(service: ServiceConfig, project: Project) -> str:
    agent = project.environment.get("SSH_AUTH_SOCK", "")
    if not agent:
        raise ProjectError(
            f"services.{service.name}.build.ssh: no agent is running", hint="`SSH_AUTH_SOCK` leads to its socket"
        )
    return agent
