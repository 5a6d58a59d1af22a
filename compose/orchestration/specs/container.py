"""A service's container as the runtime is asked for it."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace

from compose import hashing, labels
from compose.errors import ProjectError
from compose.orchestration.specs import files, limits, mounts, networking
from compose.orchestration.specs.surroundings import Surroundings, image_of, name_of
from compose.version import __version__
from schemas.composefile.healthcheck import Healthcheck as HealthcheckConfig
from schemas.composefile.service import ServiceConfig
from schemas.engine.specs import ContainerSpec, Device, Healthcheck, LogConfig, RestartPolicy

_PROFILE = re.compile(r"(?P<key>seccomp[:=])(?P<value>.+)", re.DOTALL)
DEFAULT_SHM_BYTES = 64 * 1024 * 1024
_POLICIES = frozenset({"no", "always", "on-failure", "unless-stopped"})
_DEPLOY_POLICIES = {"none": "no", "on-failure": "on-failure", "any": "always", "": "always"}


def container_spec(surroundings: Surroundings, service: ServiceConfig, number: int = 1) -> ContainerSpec:
    """Return the spec of one replica, labels and all. Raises ComposeError for what cannot be."""
    body = _body(surroundings, service, number)
    own = {
        labels.CONTAINER_NUMBER: str(number),
        labels.ONEOFF: "False",
        labels.CONFIG_HASH: hashing.config_hash(service, body),
    }
    return replace(body, labels={**service.labels, **own_labels(surroundings, service), **own})


def own_labels(surroundings: Surroundings, service: ServiceConfig) -> dict[str, str]:
    """Return docker compose's labels of a service's containers, but for number, oneoff and hash."""
    project = surroundings.project
    return {
        labels.PROJECT: project.name,
        labels.SERVICE: service.name,
        labels.WORKING_DIR: project.working_dir,
        labels.CONFIG_FILES: ",".join(project.compose_files),
        **({labels.ENVIRONMENT_FILE: ",".join(project.environment_files)} if project.environment_files else {}),
        labels.IMAGE: surroundings.image_ids.get(image_of(project, service), ""),
        labels.DEPENDENCIES: dependencies_label(service),
        labels.VERSION: __version__,
    }


def dependencies_label(service: ServiceConfig) -> str:
    """Return `service:condition:restart`, separated by commas, as `down` reads it again."""
    return ",".join(
        f"{name}:{dependency.condition}:{str(dependency.restart).lower()}"
        for name, dependency in service.depends_on.items()
    )


def _body(surroundings: Surroundings, service: ServiceConfig, number: int) -> ContainerSpec:
    project = surroundings.project
    network_mode, endpoints = networking.endpoints(surroundings, service)
    return ContainerSpec(
        name=name_of(project, service, number),
        image=image_of(project, service),
        project=project.name,
        service=service.name,
        number=number,
        labels=dict(service.labels),
        annotations=dict(service.annotations),
        entrypoint=service.entrypoint,
        command=service.command,
        environment=dict(service.environment),
        working_dir=service.working_dir,
        user=service.user,
        group_add=service.group_add,
        hostname=service.hostname,
        domainname=service.domainname,
        tty=service.tty,
        stdin_open=service.stdin_open,
        init=bool(service.init),
        stop_signal=service.stop_signal,
        stop_grace_period_s=service.stop_grace_period,
        restart=restart_policy(service),
        healthcheck=healthcheck(service.healthcheck),
        mounts=mounts.mounts(project, service),
        volumes_from=mounts.volumes_from(surroundings, service),
        files=files.file_objects(project, service),
        read_only=service.read_only,
        shm_size_bytes=service.shm_size or DEFAULT_SHM_BYTES,
        network_mode=network_mode,
        endpoints=endpoints,
        ports=networking.ports(service, network_mode),
        expose=service.expose,
        extra_hosts=networking.extra_hosts(service),
        dns=service.dns,
        dns_search=service.dns_search,
        dns_options=service.dns_opt,
        pid_mode=surroundings.partner(service.pid),
        ipc_mode=surroundings.partner(service.ipc),
        uts_mode=service.uts,
        cgroup_mode=service.cgroup,
        cgroup_parent=service.cgroup_parent,
        cap_add=service.cap_add,
        cap_drop=service.cap_drop,
        privileged=service.privileged,
        security_opt=tuple(_with_absolute_profile(option, project.working_dir) for option in service.security_opt),
        sysctls=dict(service.sysctls),
        ulimits=tuple((name, *limit.limits) for name, limit in service.ulimits.items()),
        devices=tuple(Device(each.source, each.target or each.source, each.permissions) for each in service.devices),
        device_cgroup_rules=service.device_cgroup_rules,
        oom_score_adj=service.oom_score_adj,
        resources=limits.resources(service),
        log=log_config(service),
    )


def restart_policy(service: ServiceConfig) -> RestartPolicy:
    """Return `restart`, or in its absence `deploy.restart_policy`. Raises ProjectError for an unknown one."""
    if service.restart:
        name, _, attempts = service.restart.partition(":")
        if name not in _POLICIES or (attempts and not (name == "on-failure" and attempts.isdecimal())):
            raise ProjectError(
                f'service "{service.name}": invalid restart policy `{service.restart}`',
                hint="use one of no, always, on-failure, on-failure:<attempts>, unless-stopped",
                path=("services", service.name, "restart"),
            )
        return _policy(name, int(attempts or 0))
    policy = service.deploy.restart_policy if service.deploy else None
    if policy is None:
        return RestartPolicy()
    return _policy(_DEPLOY_POLICIES.get(policy.condition, policy.condition), policy.max_attempts or 0)


def healthcheck(config: HealthcheckConfig | None) -> Healthcheck | None:
    """Return the probe; what is empty or 0 is left to the image, None all of it."""
    if config is None:
        return None
    if config.disable:
        return Healthcheck(test=("NONE",))
    return Healthcheck(
        test=config.test,
        interval_s=config.interval or 0.0,
        timeout_s=config.timeout or 0.0,
        start_period_s=config.start_period or 0.0,
        start_interval_s=config.start_interval or 0.0,
        retries=config.retries or 0,
    )


def log_config(service: ServiceConfig) -> LogConfig:
    """Return how output is kept; json-file unless said otherwise."""
    if service.logging is None:
        return LogConfig()
    options: Mapping[str, str] = service.logging.options
    return LogConfig(driver=service.logging.driver or "json-file", options=dict(options))


def _with_absolute_profile(option: str, base: str) -> str:
    # As docker compose has it: resolved here, while `config` shows what is written.
    match = _PROFILE.fullmatch(option)
    if match is None or match["value"] in {"unconfined", "builtin"} or match["value"].lstrip().startswith("{"):
        return option
    return match["key"] + posixpath.join(base, match["value"])


def _policy(name: str, attempts: int) -> RestartPolicy:
    match name:
        case "always" | "unless-stopped":
            return RestartPolicy(name)
        case "on-failure":
            return RestartPolicy(name, attempts)
        case _:
            return RestartPolicy()
