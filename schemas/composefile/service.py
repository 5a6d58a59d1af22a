"""`services.<name>`. Source: compose-spec, 05-services.md.

Sizes are bytes, times seconds, 0 or an empty value is "not set" unless a field says otherwise.
Attributes bear their Compose names, so that a reader of the specification finds them.
"""

from schemas.composefile.base import Model
from schemas.composefile.build import BuildConfig, Ulimit
from schemas.composefile.deploy import DeployConfig, DeviceRequest
from schemas.composefile.develop import DevelopConfig
from schemas.composefile.file_object import FileReference
from schemas.composefile.frozen import EMPTY, Frozen
from schemas.composefile.healthcheck import Healthcheck
from schemas.composefile.hook import ServiceHook
from schemas.composefile.network import ServiceNetwork
from schemas.composefile.port import PortConfig
from schemas.composefile.volume import ServiceVolume


class Dependency(Model):
    """A service that has to be there first."""

    condition: str = "service_started"
    """How far it has to be."""
    required: bool = True
    """It is an error when the other service is missing or disabled."""
    restart: bool = False
    """Restart this service when the other one is restarted."""


class EnvFile(Model):
    """A file with variables for containers; a text is its path."""

    path: str
    """Its path, relative to the project's folder."""
    required: bool = True
    """It is an error when the file is missing."""
    format: str = ""
    """`raw` takes values as they are written: no quotes, no variables."""


class BlockWeight(Model):
    """Relative weight of one block device."""

    path: str
    """The device, such as `/dev/sda`."""
    weight: int = 0
    """From 10 to 1000."""


class BlockRate(Model):
    """Bytes or operations a second on one block device."""

    path: str
    """The device, such as `/dev/sda`."""
    rate: int = 0
    """How many a second; bytes also with a unit such as `12mb`."""


class BlockIO(Model):
    """Limits of block devices."""

    weight: int = 0
    """Weight relative to other containers, from 10 to 1000."""
    weight_device: tuple[BlockWeight, ...] = ()
    """Weights for some devices."""
    device_read_bps: tuple[BlockRate, ...] = ()
    """How many bytes a second are read."""
    device_read_iops: tuple[BlockRate, ...] = ()
    """How many reads a second."""
    device_write_bps: tuple[BlockRate, ...] = ()
    """How many bytes a second are written."""
    device_write_iops: tuple[BlockRate, ...] = ()
    """How many writes a second."""


class CredentialSpec(Model):
    """Credentials of a managed service account (Windows)."""

    config: str = ""
    """The config that holds them."""
    file: str = ""
    """The file that holds them."""
    registry: str = ""
    """The registry's value that holds them."""


class DeviceMapping(Model):
    """A device of the host; a text is `host[:container[:permissions]]`."""

    source: str = ""
    """Path of the device on the host."""
    target: str = ""
    """Path in the container; the host's unless set."""
    permissions: str = "rwm"
    """`r`ead, `w`rite, `m`ake nodes; all three unless set."""


class LoggingConfig(Model):
    """How output is kept."""

    driver: str = ""
    """`json-file` unless set; `local`, `none`, …"""
    options: Frozen[str, str] = EMPTY
    """Options of the driver, such as `max-size` and `max-file`."""


class ProviderConfig(Model):
    """Another program that provides the service."""

    type: str
    """The program."""
    options: Frozen[str, tuple[str, ...]] = EMPTY
    """Its options."""


class ServiceModel(Model):
    """Variables that tell containers where a model is."""

    endpoint_var: str = ""
    """Name of the variable with its URL."""
    model_var: str = ""
    """Name of the variable with its name."""


class ServiceConfig(Model):
    """A service: containers of one image, all alike."""

    name: str
    """Its key in the file."""
    image: str = ""
    """The image: `[registry/]name[:tag][@digest]`, or the name of what is built."""
    build: BuildConfig | None = None
    """How the image is made from source: the context, or all its attributes."""
    profiles: tuple[str, ...] = ()
    """The service is left out unless one of these profiles is active."""

    # None: the image's; () clears it. So is `entrypoint`.
    command: tuple[str, ...] | None = None
    """What is run, in the stead of the image's command; a text is split into words, without a shell."""
    entrypoint: tuple[str, ...] | None = None
    """What is run before the command, in the stead of the image's; a text is split into words, without a shell."""
    # With `env_file` and valueless keys resolved; None unsets the image's variable.
    environment: Frozen[str, str | None] = EMPTY
    """Variables of containers; one without a value takes that of the shell or `.env`, and is unset without one."""
    # Empty unless the loader was asked not to read them; their variables are in `environment`.
    env_file: tuple[EnvFile, ...] = ()
    """Files with variables; later ones win over earlier ones, `environment` over all."""
    working_dir: str = ""
    """The folder in which containers begin; the image's unless set."""
    user: str = ""
    """The user, and group: `user[:group]`, names of the image or numbers; the image's unless set."""
    group_add: tuple[str, ...] = ()
    """Further groups, by name or number."""
    hostname: str = ""
    """Host name of containers; their short id unless set."""
    domainname: str = ""
    """Domain name of containers."""
    tty: bool = False
    """Give containers a terminal."""
    stdin_open: bool = False
    """Keep standard input open."""
    init: bool | None = None
    """Run a small init as process 1: it forwards signals and reaps."""
    attach: bool = True
    """Show the output in `up`; yes unless set."""
    stop_signal: str = ""
    """The signal that asks containers to end; the image's or SIGTERM unless set."""
    stop_grace_period: float | None = None
    """Time to end after that signal, before SIGKILL; `10s` unless set."""
    restart: str = ""
    """When containers that exit are started again: `no`, `always`, `on-failure[:attempts]`, `unless-stopped`."""
    healthcheck: Healthcheck | None = None
    """How it is found out whether containers are healthy."""
    depends_on: Frozen[str, Dependency] = EMPTY
    """Services that have to be there first, and how far."""
    container_name: str = ""
    """Name of the container; the service can have one only."""
    scale: int | None = None
    """How many containers."""
    deploy: DeployConfig | None = None
    """How many containers, and what they may use."""
    labels: Frozen[str, str] = EMPTY
    """Labels of containers."""
    annotations: Frozen[str, str] = EMPTY
    """Annotations of containers."""
    logging: LoggingConfig | None = None
    """How output is kept."""
    develop: DevelopConfig | None = None
    """How containers follow changes of the source."""
    pre_start: tuple[ServiceHook, ...] = ()
    """Commands that are run, each in a container of its own, before containers start."""
    post_start: tuple[ServiceHook, ...] = ()
    """Commands that are run in a container after its start."""
    pre_stop: tuple[ServiceHook, ...] = ()
    """Commands that are run in a container before it is stopped."""
    provider: ProviderConfig | None = None
    """Another program that provides the service."""
    models: Frozen[str, ServiceModel | None] = EMPTY
    """Models that containers use, and the variables that tell where they are."""
    pull_policy: str = ""
    """When the image is pulled."""
    pull_refresh_after: str = ""
    """Obsolete: `pull_policy: every_<duration>` says it."""
    platform: str = ""
    """Platform of the image: `os/architecture[/variant]`."""
    runtime: str = ""
    """The container runtime."""

    volumes: tuple[ServiceVolume, ...] = ()
    """What is mounted: paths of the host, volumes, memory."""
    volumes_from: tuple[str, ...] = ()
    """Services, or `container:<name>`, whose mounts containers get; with `:ro` read-only."""
    tmpfs: tuple[str, ...] = ()
    """Paths with file systems in memory: `path[:options]`."""
    secrets: tuple[FileReference, ...] = ()
    """Secrets that containers get."""
    configs: tuple[FileReference, ...] = ()
    """Configs that containers get."""
    read_only: bool = False
    """The root of containers cannot be written to; volumes and tmpfs can."""
    shm_size: int = 0
    """Size of /dev/shm: bytes, or with a unit; `64m` unless set."""
    storage_opt: Frozen[str, str] = EMPTY
    """Options of the storage driver."""

    network_mode: str = ""
    """`host`, `none`, `bridge`, `service:<name>` or `container:<name>`, in the stead of networks."""
    networks: Frozen[str, ServiceNetwork | None] = EMPTY
    """Networks that containers join; `default` unless set."""
    ports: tuple[PortConfig, ...] = ()
    """Ports that are published on the host."""
    expose: tuple[str, ...] = ()
    """Ports that containers listen on, for other services; documentation."""
    links: tuple[str, ...] = ()
    """Services, with an alias each, that this one knows by name: `service[:alias]`."""
    external_links: tuple[str, ...] = ()
    """Containers outside the project that this one knows by name: `container[:alias]`."""
    extra_hosts: Frozen[str, tuple[str, ...]] = EMPTY
    """Host names and their addresses; `host-gateway` is the host's."""
    dns: tuple[str, ...] = ()
    """Name servers for what is not in the project; the host's unless set."""
    dns_search: tuple[str, ...] = ()
    """Search domains."""
    dns_opt: tuple[str, ...] = ()
    """Options of resolv.conf."""
    mac_address: str = ""
    """Hardware address on the first network."""

    pid: str = ""
    """Process namespace: `host`, `service:<name>` or `container:<name>`; an own one unless set."""
    ipc: str = ""
    """IPC namespace: `host`, `shareable`, `private`, `service:<name>` or `container:<name>`."""
    uts: str = ""
    """`host`: the host's name and domain."""
    cgroup: str = ""
    """Control group namespace."""
    cgroup_parent: str = ""
    """Control group above those of containers."""
    userns_mode: str = ""
    """User namespace; `host` is the caller's."""
    cap_add: tuple[str, ...] = ()
    """Capabilities beyond the default ones; `ALL` is all."""
    cap_drop: tuple[str, ...] = ()
    """Capabilities to take away; `ALL` is all."""
    privileged: bool = False
    """All capabilities and devices; nothing is masked or filtered."""
    security_opt: tuple[str, ...] = ()
    """`no-new-privileges`, `seccomp=<profile>|unconfined`, `systempaths=unconfined`; labels, AppArmor profiles."""
    sysctls: Frozen[str, str] = EMPTY
    """Kernel parameters of containers' namespaces."""
    ulimits: Frozen[str, Ulimit] = EMPTY
    """Resource limits of processes: a number, or `soft` and `hard`."""
    devices: tuple[DeviceMapping, ...] = ()
    """Devices of the host that containers get."""
    device_cgroup_rules: tuple[str, ...] = ()
    """Rules for devices, such as `c 1:3 mr`."""
    gpus: tuple[DeviceRequest, ...] = ()
    """GPUs that containers get: `all`, or a list of requests."""
    credential_spec: CredentialSpec | None = None
    """Credentials of a managed service account (Windows)."""
    isolation: str = ""
    """Isolation technology (Windows)."""
    use_api_socket: bool = False
    """Give containers the socket of the engine."""

    mem_limit: int = 0
    """Memory that a container cannot go beyond: bytes, or with a unit such as `512m`."""
    mem_reservation: int = 0
    """Memory that is left to a container when the host runs short."""
    memswap_limit: int = 0
    """Memory and swap together; -1 is unlimited."""
    mem_swappiness: int | None = None
    """How readily memory is swapped, from 0 to 100."""
    oom_kill_disable: bool = False
    """Kill no process of a container that is out of memory."""
    oom_score_adj: int = 0
    """How readily processes are killed when the host is out of memory, from -1000 (never) to 1000."""
    cpus: float = 0.0
    """Number of processors, `0.5` is half of one's time."""
    cpu_count: int = 0
    """Number of processors (Windows)."""
    cpu_percent: float = 0.0
    """Part of the processors (Windows)."""
    cpu_shares: int = 0
    """Weight relative to other containers; 1024 unless set."""
    cpu_quota: int = 0
    """Microseconds of processor time in each period."""
    cpu_period: int = 0
    """Microseconds of a period."""
    cpu_rt_runtime: int = 0
    """Microseconds of real-time scheduling in each period."""
    cpu_rt_period: int = 0
    """Microseconds of a period of real-time scheduling."""
    cpuset: str = ""
    """Processors that may be used: `0-3`, `0,1`."""
    pids_limit: int = 0
    """Number of processes and threads; -1 is unlimited."""
    blkio_config: BlockIO | None = None
    """Limits of block devices."""

    @property
    def replicas(self) -> int:
        """How many containers: `scale`, else `deploy.replicas`, else 1."""
        if self.scale is not None:
            return self.scale
        if self.deploy is not None and self.deploy.replicas is not None:
            return self.deploy.replicas
        return 1

    @property
    def networks_by_priority(self) -> tuple[str, ...]:
        """Keys of `networks` in the order of connection: highest priority first, then by name."""

        def order(key: str) -> tuple[int, str]:
            network = self.networks[key]
            return (-(network.priority if network else 0), key)

        return tuple(sorted(self.networks, key=order))
