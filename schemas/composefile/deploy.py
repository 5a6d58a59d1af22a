"""`services.<name>.deploy`. Source: compose-spec, deploy.md. Times are seconds, sizes bytes."""

from schemas.composefile.base import Model
from schemas.composefile.frozen import EMPTY, Frozen


class DeviceRequest(Model):
    """Devices asked for by capability (`gpus`, `reservations.devices`)."""

    capabilities: tuple[str, ...] = ()
    driver: str = ""
    count: int = 0
    """-1 is all."""
    device_ids: tuple[str, ...] = ()
    options: Frozen[str, str] = EMPTY


class DiscreteResource(Model):
    """A countable resource of a node."""

    kind: str = ""
    value: int = 0


class GenericResource(Model):
    """User-defined resource of a cluster."""

    discrete_resource_spec: DiscreteResource | None = None


class Resource(Model):
    """Limits or reservations; 0 is not set."""

    cpus: float = 0.0
    memory: int = 0
    pids: int = 0
    devices: tuple[DeviceRequest, ...] = ()
    generic_resources: tuple[GenericResource, ...] = ()


class Resources(Model):
    """What a container may use, and what is kept for it."""

    limits: Resource | None = None
    reservations: Resource | None = None


class DeployRestartPolicy(Model):
    """Policy on container exit; counts only where the service has no `restart`."""

    condition: str = ""
    delay: float | None = None
    max_attempts: int | None = None
    window: float | None = None


class UpdateConfig(Model):
    """How replicas are replaced."""

    parallelism: int | None = None
    delay: float = 0.0
    failure_action: str = ""
    monitor: float = 0.0
    max_failure_ratio: float = 0.0
    order: str = ""


class Placement(Model):
    """Where replicas may run; for clusters."""

    constraints: tuple[str, ...] = ()
    preferences: tuple[Frozen[str, str], ...] = ()
    max_replicas_per_node: int = 0


class DeployConfig(Model):
    """Replicas, resources and rollout."""

    mode: str = ""
    replicas: int | None = None
    labels: Frozen[str, str] = EMPTY
    update_config: UpdateConfig | None = None
    rollback_config: UpdateConfig | None = None
    resources: Resources = Resources.model_construct()
    restart_policy: DeployRestartPolicy | None = None
    placement: Placement = Placement.model_construct()
    endpoint_mode: str = ""
