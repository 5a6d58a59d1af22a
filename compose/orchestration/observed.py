"""One snapshot of what exists; nothing is read later.

It needs no Compose file: commands that work from labels alone import no models through it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field

from runtime.api import RuntimeReader
from runtime.errors import NotFound
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord, ImageRecord, NetworkRecord, VolumeRecord


@dataclass(frozen=True, slots=True)
class ObservedState:
    """A project's containers, and every network, volume and image that it may use."""

    project: str
    containers: tuple[ContainerRecord, ...] = ()
    networks: Mapping[str, NetworkRecord] = field(default_factory=dict)
    """By real name; those of others too, since external ones are."""
    volumes: Mapping[str, VolumeRecord] = field(default_factory=dict)
    """By real name, likewise."""
    images: Mapping[str, ImageRecord] = field(default_factory=dict)
    """By the reference in the Compose file; what is not there is not in the store."""
    images_since_ns: Mapping[str, int] = field(default_factory=dict)
    """When the reference last came to lead to its image, nanoseconds since the epoch; 0 where nobody knows."""

    def of_service(self, service: str) -> tuple[ContainerRecord, ...]:
        """Return a service's containers by number, without those of `run`."""
        found = [each for each in self.containers if each.spec.service == service and not each.spec.oneoff]
        return tuple(sorted(found, key=_number_and_name))

    def by_service(self) -> dict[str, tuple[ContainerRecord, ...]]:
        """Return what `of_service` answers for every service at once: a table for whoever asks for all."""
        found: dict[str, list[ContainerRecord]] = {}
        for record in self.containers:
            if not record.spec.oneoff:
                found.setdefault(record.spec.service, []).append(record)
        return {name: tuple(sorted(mine, key=_number_and_name)) for name, mine in found.items()}


def observe(reader: RuntimeReader, project: str, references: Iterable[str] = ()) -> ObservedState:
    """Take the snapshot of a project, and look up the images that its file refers to."""
    images = {}
    for reference in references:
        try:
            images[reference] = reader.image(reference)
        except NotFound:
            continue
    return ObservedState(
        project=project,
        containers=tuple(reader.containers(project)),
        networks={record.name: record for record in reader.networks()},
        volumes={record.name: record for record in reader.volumes()},
        images=images,
    )


def _number_and_name(record: ContainerRecord) -> tuple[int, str]:
    return (record.spec.number, record.name)
