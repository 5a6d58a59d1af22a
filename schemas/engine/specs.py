"""Requests to the runtime: what a caller wants to exist.

Everything is resolved before it gets here: absolute host paths, bytes, seconds, final names. A
spec is plain data and survives a trip through JSON (schemas.engine.codec), since it is stored.
"""

from dataclasses import field
from typing import Literal

from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """What to do when the container's process ends (Docker's four policies)."""

    name: Literal["no", "always", "on-failure", "unless-stopped"] = "no"
    max_attempts: int = 0
    """For on-failure; 0 is without limit."""


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """A probe run inside the container; times in seconds. `test` is ("CMD", …), ("CMD-SHELL", s) or ("NONE",).

    0 is "not set", as in Docker: in a spec the image's value counts then, in a bundle the supervisor's default.
    """

    test: tuple[str, ...]
    interval_s: float = 0.0
    timeout_s: float = 0.0
    start_period_s: float = 0.0
    start_interval_s: float = 0.0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Resources:
    """cgroup limits; 0 or None is "not set". Sizes in bytes, periods in microseconds."""

    memory_bytes: int = 0
    memory_reservation_bytes: int = 0
    memory_swap_bytes: int = 0
    """Memory and swap together, as `memswap_limit`; -1 is unlimited, 0 twice the memory."""
    memory_swappiness: int | None = None
    oom_kill_disable: bool = False
    cpus: float = 0.0
    cpu_shares: int = 0
    cpu_quota_us: int = 0
    cpu_period_us: int = 0
    cpu_rt_runtime_us: int = 0
    cpu_rt_period_us: int = 0
    cpuset_cpus: str = ""
    pids_limit: int = 0
    """-1 is unlimited, 0 not set."""
    blkio_weight: int = 0
    blkio_device: tuple[tuple[str, str, int], ...] = ()
    """(`weight`, `read_bps`, `write_bps`, `read_iops` or `write_iops`; host path; value)."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One file system inside the container."""

    type: Literal["bind", "volume", "tmpfs"]
    target: str
    """Absolute path inside the container."""
    source: str = ""
    """bind: absolute host path; volume: the volume's name, empty for an anonymous one."""
    read_only: bool = False
    create_host_path: bool = False
    """bind: make a missing source folder, as Compose's short form does."""
    propagation: str = ""
    """bind: rprivate (default), private, rslave, slave, rshared, shared."""
    recursive: str = ""
    """bind: enabled (default), disabled, writable, readonly."""
    no_copy: bool = False
    """volume: do not fill an empty volume from the image."""
    subpath: str = ""
    """volume: mount this folder of it."""
    tmpfs_size_bytes: int = 0
    tmpfs_mode: int | None = None
    tmpfs_options: tuple[str, ...] = ()
    """tmpfs: more options of the short form: uid=, gid=, exec, …"""


@dataclass(frozen=True, slots=True)
class VolumesFrom:
    """All mounts of another container, given by name or id."""

    container: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class FileObject:
    """A secret or config: a file that the runtime makes inside the container."""

    target: str
    source: str = ""
    """Absolute host path; empty when `content` is given."""
    content: str | None = None
    uid: int = 0
    gid: int = 0
    mode: int = 0o444


@dataclass(frozen=True, slots=True)
class PortBinding:
    """A container port published on the host. `host_port` 0 lets the runtime choose."""

    container_port: int
    protocol: Literal["tcp", "udp", "sctp"] = "tcp"
    host_ip: str = ""
    """Empty: every address, IPv4 and IPv6."""
    host_port: int = 0
    host_port_end: int = 0
    """With a range, the last port to try; 0 without one."""


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """A place on a network."""

    network: str
    """The network's name (not its key in a Compose file)."""
    aliases: tuple[str, ...] = ()
    ipv4_address: str = ""
    ipv6_address: str = ""
    mac_address: str = ""
    priority: int = 0
    gateway_priority: int = 0
    interface_name: str = ""
    links: tuple[tuple[str, str], ...] = ()
    """(name only this container sees, container name it stands for)."""


@dataclass(frozen=True, slots=True)
class Device:
    """A host device node in the container; `permissions` is of r, w, m."""

    source: str
    target: str
    permissions: str = "rwm"


@dataclass(frozen=True, slots=True)
class LogConfig:
    """How output is kept. Drivers: json-file and local (the same here), none."""

    driver: str = "json-file"
    options: dict[str, str] = field(default_factory=dict)


def partner_of(mode: str) -> str:
    """Return the container that a namespace mode `container:<name or id>` names; empty for any other mode."""
    kind, _, partner = mode.partition(":")
    return partner if kind == "container" else ""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """Everything about a container that is decided before it is made."""

    name: str
    image: str
    """A reference as the user wrote it."""
    project: str = ""
    service: str = ""
    number: int = 0
    oneoff: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)

    entrypoint: tuple[str, ...] | None = None
    """None: the image's; () : none at all. When set, the image's command is not used."""
    command: tuple[str, ...] | None = None
    environment: dict[str, str | None] = field(default_factory=dict)
    """On top of the image's; None unsets."""
    working_dir: str = ""
    user: str = ""
    group_add: tuple[str, ...] = ()
    hostname: str = ""
    domainname: str = ""
    tty: bool = False
    stdin_open: bool = False
    init: bool = False
    stop_signal: str = ""
    stop_grace_period_s: float | None = None
    restart: RestartPolicy = field(default_factory=RestartPolicy)
    healthcheck: Healthcheck | None = None
    """None: the image's."""

    mounts: tuple[Mount, ...] = ()
    volumes_from: tuple[VolumesFrom, ...] = ()
    files: tuple[FileObject, ...] = ()
    read_only: bool = False
    shm_size_bytes: int = 64 * 1024 * 1024

    network_mode: str = "bridge"
    """bridge (see `endpoints`), host, none, or container:<name or id>."""
    endpoints: tuple[EndpointSpec, ...] = ()
    ports: tuple[PortBinding, ...] = ()
    expose: tuple[str, ...] = ()
    extra_hosts: tuple[tuple[str, str], ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()

    pid_mode: str = ""
    """Empty (own), host, or container:<name or id>; likewise below."""
    ipc_mode: str = ""
    """Empty or private, shareable, host, none, or container:<name or id>."""
    uts_mode: str = ""
    cgroup_mode: str = ""
    cgroup_parent: str = ""

    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    privileged: bool = False
    security_opt: tuple[str, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    ulimits: tuple[tuple[str, int, int], ...] = ()
    """(name without RLIMIT_, soft, hard); -1 is unlimited."""
    devices: tuple[Device, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    oom_score_adj: int = 0
    resources: Resources = field(default_factory=Resources)
    log: LogConfig = field(default_factory=LogConfig)


@dataclass(frozen=True, slots=True)
class CommitSpec:
    """How a container becomes an image."""

    reference: str = ""
    """A name for it; empty for none."""
    author: str = ""
    message: str = ""
    changes: tuple[str, ...] = ()
    """Dockerfile instructions, `CMD ["sh"]`."""
    pause: bool = True
    """Freeze the container while its files are read."""


@dataclass(frozen=True, slots=True)
class IPAMPool:
    """One subnet of a network; empty strings are chosen by the runtime."""

    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    aux_addresses: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A network that should exist."""

    name: str
    project: str = ""
    key: str = ""
    """Its key in the Compose file."""
    driver: str = "bridge"
    driver_options: dict[str, str] = field(default_factory=dict)
    pools: tuple[IPAMPool, ...] = ()
    internal: bool = False
    attachable: bool = False
    enable_ipv6: bool = False
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    """A named volume that should exist."""

    name: str
    project: str = ""
    key: str = ""
    driver: str = "local"
    driver_options: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExecSpec:
    """A further process in a running container."""

    command: tuple[str, ...]
    environment: dict[str, str | None] = field(default_factory=dict)
    """On top of the container's."""
    user: str = ""
    """Empty: the container's."""
    working_dir: str = ""
    tty: bool = False
    privileged: bool = False
    rows: int = 24
    columns: int = 80
