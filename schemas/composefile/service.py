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
    """One entry of `depends_on`."""

    condition: str = "service_started"
    """service_started, service_healthy or service_completed_successfully."""
    required: bool = True
    restart: bool = False


class EnvFile(Model):
    """An env file that was not resolved (`config --no-env-resolution`)."""

    path: str
    required: bool = True
    format: str = ""


class BlockWeight(Model):
    """Relative weight of one block device."""

    path: str
    weight: int = 0


class BlockRate(Model):
    """Bytes or operations a second on one block device."""

    path: str
    rate: int = 0


class BlockIO(Model):
    """`blkio_config`."""

    weight: int = 0
    weight_device: tuple[BlockWeight, ...] = ()
    device_read_bps: tuple[BlockRate, ...] = ()
    device_read_iops: tuple[BlockRate, ...] = ()
    device_write_bps: tuple[BlockRate, ...] = ()
    device_write_iops: tuple[BlockRate, ...] = ()


class CredentialSpec(Model):
    """`credential_spec` (Windows)."""

    config: str = ""
    file: str = ""
    registry: str = ""


class DeviceMapping(Model):
    """A host device node in the container."""

    source: str = ""
    target: str = ""
    permissions: str = "rwm"


class LoggingConfig(Model):
    """`logging`."""

    driver: str = ""
    options: Frozen[str, str] = EMPTY


class ProviderConfig(Model):
    """A service that another program runs."""

    type: str
    options: Frozen[str, tuple[str, ...]] = EMPTY


class ServiceModel(Model):
    """Variables through which a service is told where a model is."""

    endpoint_var: str = ""
    model_var: str = ""


class ServiceConfig(Model):
    """One service."""

    name: str
    """Its key in the file."""
    image: str = ""
    build: BuildConfig | None = None
    profiles: tuple[str, ...] = ()

    command: tuple[str, ...] | None = None
    """None: the image's; () clears it."""
    entrypoint: tuple[str, ...] | None = None
    """None: the image's; () clears it."""
    environment: Frozen[str, str | None] = EMPTY
    """With `env_file` and valueless keys resolved; None unsets the image's variable."""
    env_file: tuple[EnvFile, ...] = ()
    """Empty unless the loader was asked not to read them; their variables are in `environment`."""
    working_dir: str = ""
    user: str = ""
    group_add: tuple[str, ...] = ()
    hostname: str = ""
    domainname: str = ""
    tty: bool = False
    stdin_open: bool = False
    init: bool | None = None
    attach: bool = True
    stop_signal: str = ""
    stop_grace_period: float | None = None
    restart: str = ""
    healthcheck: Healthcheck | None = None
    depends_on: Frozen[str, Dependency] = EMPTY
    container_name: str = ""
    scale: int | None = None
    deploy: DeployConfig | None = None
    labels: Frozen[str, str] = EMPTY
    annotations: Frozen[str, str] = EMPTY
    logging: LoggingConfig | None = None
    develop: DevelopConfig | None = None
    pre_start: tuple[ServiceHook, ...] = ()
    post_start: tuple[ServiceHook, ...] = ()
    pre_stop: tuple[ServiceHook, ...] = ()
    provider: ProviderConfig | None = None
    models: Frozen[str, ServiceModel | None] = EMPTY
    pull_policy: str = ""
    pull_refresh_after: str = ""
    platform: str = ""
    runtime: str = ""

    volumes: tuple[ServiceVolume, ...] = ()
    volumes_from: tuple[str, ...] = ()
    tmpfs: tuple[str, ...] = ()
    secrets: tuple[FileReference, ...] = ()
    configs: tuple[FileReference, ...] = ()
    read_only: bool = False
    shm_size: int = 0
    storage_opt: Frozen[str, str] = EMPTY
    volume_driver: str = ""

    network_mode: str = ""
    networks: Frozen[str, ServiceNetwork | None] = EMPTY
    ports: tuple[PortConfig, ...] = ()
    expose: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    external_links: tuple[str, ...] = ()
    extra_hosts: Frozen[str, tuple[str, ...]] = EMPTY
    """Host name to its addresses; an address may be `host-gateway`."""
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_opt: tuple[str, ...] = ()
    mac_address: str = ""

    pid: str = ""
    ipc: str = ""
    uts: str = ""
    cgroup: str = ""
    cgroup_parent: str = ""
    userns_mode: str = ""
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    privileged: bool = False
    security_opt: tuple[str, ...] = ()
    sysctls: Frozen[str, str] = EMPTY
    ulimits: Frozen[str, Ulimit] = EMPTY
    devices: tuple[DeviceMapping, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    gpus: tuple[DeviceRequest, ...] = ()
    credential_spec: CredentialSpec | None = None
    isolation: str = ""
    use_api_socket: bool = False

    mem_limit: int = 0
    mem_reservation: int = 0
    memswap_limit: int = 0
    """Memory and swap together; -1 is unlimited."""
    mem_swappiness: int | None = None
    oom_kill_disable: bool = False
    oom_score_adj: int = 0
    cpus: float = 0.0
    cpu_count: int = 0
    cpu_percent: float = 0.0
    cpu_shares: int = 0
    cpu_quota: int = 0
    """Microseconds, as the next three."""
    cpu_period: int = 0
    cpu_rt_runtime: int = 0
    cpu_rt_period: int = 0
    cpuset: str = ""
    pids_limit: int = 0
    """-1 is unlimited."""
    blkio_config: BlockIO | None = None

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
