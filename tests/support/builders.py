"""Short ways to a project and to what exists of it, for tests of decisions."""

from collections.abc import Mapping
from dataclasses import replace

from compose.orchestration.observed import ObservedState
from compose.orchestration.specs.container import container_spec
from compose.orchestration.specs.resources import network_spec, volume_spec
from compose.orchestration.specs.surroundings import Surroundings, image_of
from schemas.composefile.network import NetworkConfig
from schemas.composefile.project import Project
from schemas.composefile.service import Dependency, ServiceConfig
from schemas.composefile.volume import ServiceVolume, VolumeConfig
from schemas.engine.identifiers import ContainerID, ImageID, NetworkID
from schemas.engine.records import ContainerRecord, EndpointRecord, ImageRecord, NetworkRecord, VolumeRecord
from schemas.engine.specs import ContainerSpec, NetworkSpec, VolumeSpec
from schemas.engine.status import ContainerStatus, HealthStatus

PROJECT = "shop"
FOLDER = "/srv/shop"


def service(name: str, **attributes: object) -> ServiceConfig:
    """A service on the default network, with an image."""
    defaults: dict[str, object] = {"image": "busybox"}
    if not attributes.get("network_mode"):
        defaults["networks"] = {"default": None}
    return ServiceConfig.model_validate({"name": name, **defaults, **attributes})


def needs(*names: str, condition: str = "service_started", **more: bool) -> dict[str, Dependency]:
    """A `depends_on` of several services on the same terms."""
    return {name: Dependency(condition=condition, **more) for name in names}


def named_volume(key: str, target: str = "/data") -> ServiceVolume:
    """A mount of a named volume."""
    return ServiceVolume(type="volume", source=key, target=target)


def project(*services: ServiceConfig, **attributes: object) -> Project:
    """A project with these services, and the networks and volumes that they name."""
    networks = {key: NetworkConfig(name=f"{PROJECT}_{key}") for each in services for key in each.networks}
    volumes = {
        volume.source: VolumeConfig(name=f"{PROJECT}_{volume.source}")
        for each in services
        for volume in each.volumes
        if volume.type == "volume" and volume.source
    }
    given = {"networks": networks, "volumes": volumes, **attributes}
    return Project(name=PROJECT, services={each.name: each for each in services}, working_dir=FOLDER, **given)  # type: ignore[arg-type]


def image(reference: str = "busybox", version: str = "1") -> ImageRecord:
    """An image in the store."""
    return ImageRecord(ImageID(f"sha256:{reference}-{version}"), (reference,), 0, 0)


def record_of(spec: ContainerSpec, **changes: object) -> ContainerRecord:
    """A running container of a spec."""
    record = ContainerRecord(
        id=ContainerID(f"id-{spec.name}"),
        spec=spec,
        image_id=ImageID(f"sha256:{spec.image}-1"),
        created_ns=1,
        status=ContainerStatus.RUNNING,
        endpoints=tuple(endpoint_record(place.network) for place in spec.endpoints),
        volumes=tuple(mount.source for mount in spec.mounts if mount.type == "volume" and mount.source),
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def endpoint_record(network: str) -> EndpointRecord:
    """A place on a network."""
    return EndpointRecord(NetworkID(f"id-{network}"), network, "", 0, "", "", "", "")


def network_record(spec: NetworkSpec) -> NetworkRecord:
    """A network that exists."""
    return NetworkRecord(NetworkID(f"id-{spec.name}"), spec, 1)


def volume_record(spec: VolumeSpec) -> VolumeRecord:
    """A volume that exists."""
    return VolumeRecord(spec, 1, f"/volumes/{spec.name}")


def nothing(of: Project) -> ObservedState:
    """A host on which the images are there and nothing else."""
    return ObservedState(
        of.name, images={image_of(of, each): image(image_of(of, each)) for each in of.services.values()}
    )


def up_and_running(of: Project, **changes: Mapping[str, object]) -> ObservedState:
    """What exists after `up` of a project; `changes` are of records, by container name with `_` for `-`."""
    surroundings = Surroundings(of)
    records = []
    for each in of.services.values():
        for number in range(1, each.replicas + 1):
            spec = container_spec(surroundings, each, number)
            health = HealthStatus.HEALTHY if each.healthcheck else HealthStatus.NONE
            record = record_of(spec, health=health)
            records.append(replace(record, **changes.get(record.name.replace("-", "_"), {})))  # type: ignore[arg-type]
    networks = [network_spec(of, key) for key, config in of.networks.items() if not config.external]
    volumes = [volume_spec(of, key) for key, config in of.volumes.items() if not config.external]
    return replace(
        nothing(of),
        containers=tuple(sorted(records, key=lambda record: record.name)),
        networks={spec.name: network_record(spec) for spec in networks},
        volumes={spec.name: volume_record(spec) for spec in volumes},
    )
