"""Networks and volumes as the runtime is asked for them."""

from compose import labels
from compose.errors import ProjectError
from compose.hashing import text_hash
from compose.naming import resource_name
from compose.version import __version__
from schemas.composefile.network import NetworkConfig
from schemas.composefile.project import Project
from schemas.composefile.volume import VolumeConfig
from schemas.engine.codec import to_json
from schemas.engine.specs import IPAMPool, NetworkSpec, VolumeSpec


def network_spec(project: Project, key: str) -> NetworkSpec:
    """Return the spec of a network that the project owns. Raises ProjectError for what the runtime does not have."""
    config = project.networks[key]
    if config.enable_ipv4 is False:
        raise ProjectError(
            f"network `{key}`: `enable_ipv4: false` is not supported",
            hint="leave it out",
            path=("networks", key, "enable_ipv4"),
        )
    if config.ipam.driver not in {"", "default"}:
        path = ("networks", key, "ipam", "driver")
        raise ProjectError(f"network `{key}`: the ipam driver `{config.ipam.driver}` is not supported", path=path)
    spec = NetworkSpec(
        name=config.name or resource_name(project.name, key),
        project=project.name,
        key=key,
        driver=config.driver or "bridge",
        driver_options=dict(config.driver_opts),
        pools=_pools(config),
        internal=config.internal,
        attachable=config.attachable,
        enable_ipv6=bool(config.enable_ipv6),
        labels=dict(config.labels),
    )
    own = {labels.NETWORK: key, labels.PROJECT: project.name, labels.VERSION: __version__}
    spec.labels.update(own | {labels.CONFIG_HASH: text_hash(to_json(spec))})
    return spec


def volume_spec(project: Project, key: str) -> VolumeSpec:
    """Return the spec of a volume that the project owns."""
    config: VolumeConfig = project.volumes[key]
    spec = VolumeSpec(
        name=config.name or resource_name(project.name, key),
        project=project.name,
        key=key,
        driver=config.driver or "local",
        driver_options=dict(config.driver_opts),
        labels=dict(config.labels),
    )
    own = {labels.VOLUME: key, labels.PROJECT: project.name, labels.VERSION: __version__}
    spec.labels.update(own | {labels.CONFIG_HASH: text_hash(to_json(spec))})
    return spec


def _pools(config: NetworkConfig) -> tuple[IPAMPool, ...]:
    return tuple(
        IPAMPool(pool.subnet, pool.gateway, pool.ip_range, dict(pool.aux_addresses)) for pool in config.ipam.config
    )
