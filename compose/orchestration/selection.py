"""Which containers a command means, from labels alone: light, for the commands that only read."""

from collections.abc import Sequence

from compose.errors import ProjectError
from runtime.api import RuntimeReader
from schemas.engine.records import ContainerRecord


def containers_of(
    reader: RuntimeReader, project: str, services: Sequence[str] = (), *, one_off: bool = False
) -> list[ContainerRecord]:
    """Return a project's containers, of some services if any are named, by service and number.

    Raises ProjectError for a service that has no container at all.
    """
    records = reader.containers(project)
    known = {record.spec.service for record in records}
    for service in services:
        if service not in known:
            raise ProjectError(f"no such service: {service}")
    chosen = [
        record
        for record in records
        if (one_off or not record.spec.oneoff) and (not services or record.spec.service in services)
    ]
    return sorted(chosen, key=by_service_and_number)


def target(
    reader: RuntimeReader, project: str, service: str, index: int = 0, *, running: bool = True
) -> ContainerRecord:
    """Return the one container that `exec`, `port`, `attach` or `cp` means: the lowest number, one-offs last.

    Raises ProjectError when there is none (docker/compose, pkg/compose/containers.go).
    """
    records = [record for record in reader.containers(project) if record.spec.service == service]
    if index:
        records = [record for record in records if record.spec.number == index and not record.spec.oneoff]
    if running:
        records = [record for record in records if record.status.is_live]
    if not records:
        suffix = f" container #{index}" if index else ""
        raise ProjectError(f'service "{service}" is not running{suffix}')
    return min(records, key=lambda record: (record.spec.oneoff, record.spec.number, record.name))


def by_service_and_number(record: ContainerRecord) -> tuple[str, bool, int, str]:
    """Order of containers in tables: one-offs behind the replicas."""
    return (record.spec.service, record.spec.oneoff, record.spec.number, record.name)
