"""`services.<name>.deploy`. Source: compose-spec, deploy.md. Times are seconds, sizes bytes."""

from schemas.composefile.base import Model
from schemas.composefile.frozen import EMPTY, Frozen


class DeviceRequest(Model):
    """Devices asked for by what they can do."""

    capabilities: tuple[str, ...] = ()
    """What the devices must be able to do, such as `gpu`."""
    driver: str = ""
    """The driver that provides them, such as `nvidia`."""
    count: int = 0
    """How many; `all` (or -1) for all there are."""
    device_ids: tuple[str, ...] = ()
    """Which ones, by the driver's ids; not beside `count`."""
    options: Frozen[str, str] = EMPTY
    """Options of the driver."""


class DiscreteResource(Model):
    """A countable resource of a cluster's node."""

    kind: str = ""
    """Its name."""
    value: int = 0
    """How many are asked for."""


class GenericResource(Model):
    """A resource that a cluster's owner has defined."""

    discrete_resource_spec: DiscreteResource | None = None
    """A countable resource."""


class Resource(Model):
    """Resources of a container."""

    cpus: float = 0.0
    """Number of processors, `0.5` is half of one's time."""
    memory: int = 0
    """Memory: bytes, or with a unit such as `512m`."""
    pids: int = 0
    """Number of processes and threads; -1 is unlimited."""
    devices: tuple[DeviceRequest, ...] = ()
    """Devices that are kept for the container."""
    generic_resources: tuple[GenericResource, ...] = ()
    """Resources that a cluster's owner has defined."""


class Resources(Model):
    """What containers may use, and what is kept for them."""

    limits: Resource | None = None
    """What a container cannot go beyond."""
    reservations: Resource | None = None
    """What is kept for a container."""


class DeployRestartPolicy(Model):
    """When containers that exit are started again; counts where the service has no `restart`."""

    condition: str = ""
    """`none`, `on-failure` or `any`."""
    delay: float | None = None
    """Time between attempts, such as `5s`."""
    max_attempts: int | None = None
    """How often it is tried; without end unless set."""
    window: float | None = None
    """How long a container has to run to count as started."""


class UpdateConfig(Model):
    """How a cluster replaces containers."""

    parallelism: int | None = None
    """How many at a time; 0 is all."""
    delay: float = 0.0
    """Time between two."""
    failure_action: str = ""
    """What follows a failure: `continue`, `rollback` or `pause`."""
    monitor: float = 0.0
    """How long a container is watched for failure."""
    max_failure_ratio: float = 0.0
    """The part of the containers that may fail, from 0 to 1."""
    order: str = ""
    """`stop-first`, or `start-first`."""


class PlacementPreference(Model):
    """How containers are spread over nodes."""

    spread: str = ""
    """The label over whose values they are spread, such as `node.labels.zone`."""


class Placement(Model):
    """On which nodes of a cluster containers run."""

    constraints: tuple[str, ...] = ()
    """What a node must be, such as `node.labels.disk==ssd`."""
    preferences: tuple[PlacementPreference, ...] = ()
    """How containers are spread over nodes."""
    max_replicas_per_node: int = 0
    """How many containers a node may have; 0 is any number."""


class DeployConfig(Model):
    """How many containers, and what they may use."""

    mode: str = ""
    """`replicated`, or `global`: one on each node of a cluster."""
    replicas: int | None = None
    """How many containers; the same as `scale`."""
    labels: Frozen[str, str] = EMPTY
    """Labels of the service in a cluster; containers do not get them."""
    update_config: UpdateConfig | None = None
    """How a cluster rolls changes out."""
    rollback_config: UpdateConfig | None = None
    """How a cluster takes changes back."""
    resources: Resources = Resources.model_construct()
    """What containers may use, and what is kept for them."""
    restart_policy: DeployRestartPolicy | None = None
    """When containers that exit are started again, where the service has no `restart`."""
    placement: Placement = Placement.model_construct()
    """On which nodes of a cluster containers run."""
    endpoint_mode: str = ""
    """How a cluster finds containers: `vip`, or `dnsrr`."""
