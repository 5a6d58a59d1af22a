"""Which containers a command is about."""

from collections.abc import Iterable, Sequence

from compose.cli.context import Context
from compose.errors import ProjectError
from schemas.engine.records import ContainerRecord


def project_containers(
    context: Context, services: Sequence[str] = (), *, oneoff: bool = False
) -> list[ContainerRecord]:
    """Return the containers of the project, of `services` where some are named; those of `run` with `oneoff`.

    Raises ProjectError for a service that neither the state nor the project's files know.
    """
    records = context.reader().containers(context.location().name)
    check_services(context, services, records)
    wanted = set(services)
    return [
        record
        for record in sorted(records, key=order)
        if (oneoff or not record.spec.oneoff) and (not wanted or record.spec.service in wanted)
    ]


def check_services(context: Context, services: Iterable[str], records: Iterable[ContainerRecord]) -> None:
    """Raise ProjectError for a service that does not exist.

    The files are read only when a name has no container: a typing error, or a service not yet created.
    """
    missing = set(services) - {record.spec.service for record in records}
    if missing and context.location().files:
        missing -= set(context.load().project.services)
    if missing:
        raise no_such_service(min(missing))


def no_such_service(name: str) -> ProjectError:
    """Return docker compose's error."""
    return ProjectError(f"no such service: {name}")


def order(record: ContainerRecord) -> tuple[str, bool, int, str]:
    """Sort by service, replicas by number (2 before 10), those of `run` last."""
    return record.spec.service, record.spec.oneoff, record.spec.number, record.name


def replica(context: Context, service: str, index: int = 0) -> ContainerRecord:
    """Return the running container of a service with a number, or the lowest-numbered one.

    Raises ProjectError when there is none.
    """
    records = [
        record
        for record in context.reader().containers(context.location().name)
        if record.spec.service == service and record.status.is_live
    ]
    if index:
        records = [record for record in records if record.spec.number == index and not record.spec.oneoff]
    if not records:
        where = f" container #{index}" if index else ""
        raise ProjectError(f'service "{service}" is not running{where}')
    return min(records, key=order)
