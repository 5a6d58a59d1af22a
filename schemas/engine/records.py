"""Answers of the runtime: what exists."""

from dataclasses import field

from schemas.dataclass import dataclass
from schemas.engine.identifiers import ContainerID, ImageID, NetworkID
from schemas.engine.specs import ContainerSpec, NetworkSpec, VolumeSpec
from schemas.engine.status import ContainerStatus, HealthStatus


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """Where a container stands on a network."""

    network_id: NetworkID
    network: str
    ipv4_address: str
    prefix_length: int
    gateway: str
    mac_address: str
    interface: str
    """Name inside the container, eth0 …"""
    host_interface: str
    """Name of the veth's other end on the host."""
    names: tuple[str, ...] = ()
    """Every name it answers to on that network."""
    ipv6_address: str = ""
    ipv6_prefix_length: int = 0
    ipv6_gateway: str = ""
    default_gateway: bool = False
    """Whether the container's default route goes by this network."""


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A port of the host that leads to a port of a container."""

    host_ip: str
    host_port: int
    container_port: int
    protocol: str


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One run of a health probe."""

    started_ns: int
    finished_ns: int
    exit_code: int
    """-1 when it ran into its timeout."""
    output: str


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """A container as the state knows it."""

    id: ContainerID
    spec: ContainerSpec
    image_id: ImageID
    created_ns: int
    status: ContainerStatus
    command: tuple[str, ...] = ()
    """The whole argument vector: entrypoint and command, after the image's were filled in."""
    health: HealthStatus = HealthStatus.NONE
    probes: tuple[ProbeResult, ...] = ()
    pid: int = 0
    """On the host; 0 without a process."""
    started_ns: int = 0
    finished_ns: int = 0
    exit_code: int = 0
    oom_killed: bool = False
    restart_count: int = 0
    error: str = ""
    """Why the last start failed."""
    endpoints: tuple[EndpointRecord, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    volumes: tuple[str, ...] = ()
    """Names of the volumes it mounts, anonymous ones too."""
    anonymous_volumes: tuple[tuple[str, str], ...] = ()
    """(target, volume name) of those made for this container alone."""

    @property
    def name(self) -> str:
        """The container's name."""
        return self.spec.name


@dataclass(frozen=True, slots=True)
class NetworkRecord:
    """A network as the state knows it."""

    id: NetworkID
    spec: NetworkSpec
    created_ns: int
    bridge: str = ""
    """Name of the bridge link; empty for host and none."""
    subnet: str = ""
    gateway: str = ""
    ipv6_subnet: str = ""
    ipv6_gateway: str = ""

    @property
    def name(self) -> str:
        """The network's name."""
        return self.spec.name


@dataclass(frozen=True, slots=True)
class VolumeRecord:
    """A volume as the state knows it."""

    spec: VolumeSpec
    created_ns: int
    mountpoint: str
    """Absolute host path of its content."""
    anonymous: bool = False

    @property
    def name(self) -> str:
        """The volume's name."""
        return self.spec.name


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image says about how to run it (OCI image-spec, config.md)."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    """`NAME=value`, in order."""
    working_dir: str = ""
    user: str = ""
    stop_signal: str = ""
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    healthcheck: dict[str, object] | None = None
    """As Docker writes it: Test, Interval … in nanoseconds."""
    shell: tuple[str, ...] = ()
    on_build: tuple[str, ...] = ()
    """Instructions that run in an image built on this one."""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image in the store."""

    id: ImageID
    references: tuple[str, ...]
    created_ns: int
    size_bytes: int
    """Of its layers, unpacked."""
    config: ImageConfig = field(default_factory=ImageConfig)
    architecture: str = ""
    os: str = "linux"
    layers: tuple[str, ...] = ()
    """DiffIDs, lowest first."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of output, without its line end unless `partial`."""

    time_ns: int
    stream: str
    """stdout or stderr."""
    data: bytes
    partial: bool = False
    """The line goes on in the next record."""
    unterminated: bool = False
    """The process ended without a line end."""
