"""What takes space in the state directory (docker system df)."""

from pathlib import Path

from runtime.container.partners import Partners
from runtime.image.layers import FILES, built_layer
from runtime.image.mount_caches import mount_caches
from runtime.state import builds, containers, volumes
from runtime.syscall.tree import tree_bytes
from schemas.engine.identifiers import DiffID
from schemas.engine.records import ContainerRecord
from schemas.engine.storage import ContainerUsage, DiskUsage, StepUsage, VolumeUsage

_UPPER = "upper"


def measure(partners: Partners) -> DiskUsage:
    """Measure everything. Raises OSError."""
    connection = partners.database.read()
    used, layers = partners.images.usage()
    records = containers.all_of(connection, None)
    steps = [
        StepUsage(step.key, step.size_bytes, step.used_ns, _place(partners, step.diff_id) in layers)
        for step in builds.steps(connection)
    ]
    steps += [
        StepUsage(cache.key, cache.size_bytes, cache.used_ns, is_shared=False, is_mount=True)
        for cache in mount_caches(partners.paths.build_caches)
    ]
    return DiskUsage(
        images=tuple(used),
        layers_bytes=sum(layers.values()),
        containers=tuple(ContainerUsage(record, _written(partners, record)) for record in records),
        volumes=tuple(
            VolumeUsage(
                volume, tree_bytes(Path(volume.mountpoint)), sum(volume.name in record.volumes for record in records)
            )
            for volume in volumes.all_of(connection, partners.paths.volumes, None)
        ),
        steps=tuple(steps),
    )


def _written(partners: Partners, record: ContainerRecord) -> int:
    return tree_bytes(partners.paths.container(record.id) / _UPPER)


def _place(partners: Partners, diff_id: str) -> str:
    return str(built_layer(partners.paths.images, DiffID(diff_id).rpartition(":")[2]) / FILES)
