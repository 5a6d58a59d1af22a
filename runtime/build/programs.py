"""RUN: from a planned step to what the worker is asked. Decisions only; the same confinement as a container's."""

import base64
import hashlib
import ipaddress
import resource
from collections.abc import Callable, Sequence
from pathlib import Path

from runtime.build.plan import BindMount, CacheMount, Device, RunStep, SecretMount, Source, SshMount, TmpfsMount
from runtime.build.roots import Surroundings
from runtime.build.worker.messages import (
    BindCache,
    BindFiles,
    BindSecret,
    BindSocket,
    Files,
    Place,
    RunProgram,
    Script,
)
from runtime.errors import InvalidArgument, NotFound, PermissionDenied, Unsupported
from runtime.launch.defaults import DEFAULT_PATH, READ_ONLY_PATHS, masked_paths, resolve_capabilities
from runtime.network.resolvconf import hosts_of_step, resolv_conf
from runtime.resolver import upstreams
from schemas.dataclass import dataclass
from schemas.engine.bundle import Bundle, BundleMount, Rootfs
from schemas.engine.identifiers import new_id
from schemas.engine.records import EndpointRecord
from schemas.engine.specs import ContainerSpec

HOSTNAME = "buildkitsandbox"
"""BuildKit's: a program that writes it down writes the same."""
_CDI_FOLDERS = (Path("/etc/cdi"), Path("/var/run/cdi"))
"""Where devices are described (Container Device Interface, SPEC.md)."""
_SYSTEMD_RESOLV_CONF = Path("/run/systemd/resolve/resolv.conf")
_FALLBACK = ("8.8.8.8", "8.8.4.4")


def request(step: RunStep, place: Place, surroundings: "StepSurroundings") -> RunProgram:
    """Return what the worker is asked for a step.

    Raises NotFound for a secret or agent that is required and not given, PermissionDenied, Unsupported.
    """
    around = surroundings.build
    sockets = _sockets([each for each in step.mounts if isinstance(each, SshMount)], around)
    secrets = [each for each in step.mounts if isinstance(each, SecretMount)]
    files_of = surroundings.files_of
    return RunProgram(
        place=place,
        bundle=_bundle(step, surroundings, _environment(step, secrets, sockets, around)),
        hosts=hosts_of_step(surroundings.build.extra_hosts, surroundings.endpoints, HOSTNAME),
        resolv_conf=_resolv_conf(surroundings.network),
        files=tuple(
            BindFiles(each.target, files_of(each.source), each.path, each.read_only)
            for each in step.mounts
            if isinstance(each, BindMount)
        ),
        caches=tuple(
            _cache(each, files_of(each.source), surroundings.caches)
            for each in step.mounts
            if isinstance(each, CacheMount)
        ),
        secrets=tuple(_secret(each, around) for each in secrets if each.target and each.id in around.secrets),
        sockets=tuple(sockets),
        scripts=tuple(Script(each.name, each.content) for each in step.files),
    )


@dataclass(frozen=True, slots=True)
class StepSurroundings:
    """What one step finds."""

    build: Surroundings
    network: str
    """default, none or host."""
    endpoints: tuple[EndpointRecord, ...]
    group: str
    """Its control group."""
    files_of: Callable[[Source], Files]
    caches: Path
    """Folder of all cache mounts."""


def check(step: RunStep, around: Surroundings) -> None:
    """Raise what stands against running a step. No cache changes that."""
    if step.security == "insecure" and not around.allow_insecure:
        raise PermissionDenied(
            "`RUN --security=insecure` is not allowed", hint="the build needs the entitlement `security.insecure`"
        )
    if network_of(step, around) == "host" and not (around.network == "host" or around.allow_host_network):
        raise PermissionDenied(
            "`RUN --network=host` is not allowed", hint="the build needs the entitlement `network.host`"
        )
    for device in step.devices:
        _check_device(device)
    for mount in step.mounts:
        if isinstance(mount, SecretMount) and mount.required and mount.id not in around.secrets:
            raise NotFound(f"the build has no secret `{mount.id}`, which it needs", hint="name it in `build.secrets`")
        if isinstance(mount, SshMount) and mount.required and mount.id not in around.ssh:
            raise NotFound(f"the build has no ssh agent `{mount.id}`, which it needs", hint="name it in `build.ssh`")


def _check_device(device: Device) -> None:
    """No device is passed on. A step that can do without does, where the machine has none; BuildKit does the same."""
    described = [path for folder in _CDI_FOLDERS for path in folder.glob("*") if path.suffix in (".json", ".yaml")]
    if described:
        raise Unsupported(f"`RUN --device={device.name}`: devices that CDI describes are not passed on to steps")
    if device.required:
        hint = "without `required` the step does without"
        raise Unsupported(f"`RUN --device={device.name}`: the machine has no device of that name", hint=hint)


def network_of(step: RunStep, around: Surroundings) -> str:
    """Return default, none or host."""
    return around.network if step.network == "default" else step.network


def _bundle(step: RunStep, surroundings: StepSurroundings, environment: tuple[str, ...]) -> Bundle:
    around = surroundings.build
    privileged = step.security == "insecure"
    tmpfs = [each for each in step.mounts if isinstance(each, TmpfsMount)]
    return Bundle(
        id=new_id(),
        rootfs=Rootfs((), "", ""),  # the worker's to make
        args=step.arguments,
        environment=environment,
        cwd=step.working_dir or "/",
        user=step.user,
        hostname=HOSTNAME,
        mounts=tuple(_tmpfs(each) for each in tmpfs),
        shm_size_bytes=around.shm_size_bytes,
        network="host" if surroundings.network == "host" else "sandbox",
        cgroup_path=surroundings.group,
        capabilities=resolve_capabilities((), (), privileged),
        privileged=privileged,
        seccomp="unconfined" if privileged else "default",
        masked_paths=() if privileged else masked_paths(),
        read_only_paths=() if privileged else READ_ONLY_PATHS,
        rlimits=_limits(around.ulimits),
        resources=around.resources,
    )


def _limits(ulimits: Sequence[tuple[str, int, int]]) -> tuple[tuple[str, int, int], ...]:
    """The worker has more descriptors than we: a program gets as many as a container of ours."""
    own = ("nofile", *resource.getrlimit(resource.RLIMIT_NOFILE))
    return tuple({name: (name, soft, hard) for name, soft, hard in (own, *ulimits)}.values())


def _environment(
    step: RunStep, secrets: Sequence[SecretMount], sockets: Sequence[BindSocket], around: Surroundings
) -> tuple[str, ...]:
    entries = [*step.unkeyed_environment, *step.environment]
    if not any(entry.startswith("PATH=") for entry in entries):
        entries.insert(0, f"PATH={DEFAULT_PATH}")
    for secret in secrets:
        if secret.variable and secret.id in around.secrets:
            value = around.secrets[secret.id].decode(errors="surrogateescape")
            if "\0" in value:
                raise InvalidArgument(f"secret `{secret.id}` has a NUL byte, which no variable can have")
            entries.append(f"{secret.variable}={value}")
    if sockets:
        entries.append(f"SSH_AUTH_SOCK={sockets[0].target}")
    return tuple(entries)


def _sockets(agents: Sequence[SshMount], around: Surroundings) -> list[BindSocket]:
    sockets = []
    for number, agent in enumerate(agents):
        if agent.id in around.ssh:
            target = agent.target or f"/run/buildkit/ssh_agent.{number}"
            sockets.append(BindSocket(target, around.ssh[agent.id], agent.mode, agent.uid, agent.gid))
    return sockets


def _secret(mount: SecretMount, around: Surroundings) -> BindSecret:
    content = base64.b64encode(around.secrets[mount.id]).decode()
    return BindSecret(mount.target, content, mount.mode, mount.uid, mount.gid)


def _cache(mount: CacheMount, files: Files, caches: Path) -> BindCache:
    # Any text may be an id: its digest is a name that leads nowhere else.
    folder = caches / hashlib.sha256(mount.id.encode(errors="surrogateescape")).hexdigest()
    return BindCache(
        target=mount.target,
        folder=str(folder),
        sharing=mount.sharing,
        files=files,
        path=mount.path,
        read_only=mount.read_only,
        mode=mount.mode,
        uid=mount.uid,
        gid=mount.gid,
    )


def _tmpfs(mount: TmpfsMount) -> BundleMount:
    size = (f"size={mount.size_bytes}",) if mount.size_bytes else ()
    return BundleMount("tmpfs", mount.target, options=("exec", "mode=1777", *size))


def _resolv_conf(network: str) -> str:
    """The host's servers, but for those that only the host can reach."""
    text = upstreams.of_host()
    servers = upstreams.parse(text)[0]
    if network != "host":
        servers = _reachable(servers) or _reachable(_servers_of_systemd()) or list(_FALLBACK)
    return resolv_conf(ContainerSpec(name="", image="", dns=tuple(servers)), has_resolver=False, of_host=text)


def _reachable(servers: Sequence[str]) -> list[str]:
    return [each for each in servers if not ipaddress.ip_address(each.partition("%")[0]).is_loopback]


def _servers_of_systemd() -> list[str]:
    try:
        return upstreams.parse(_SYSTEMD_RESOLV_CONF.read_text(errors="replace"))[0]
    except OSError:
        return []
