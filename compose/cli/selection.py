"""Which containers a command is about."""

from collections.abc import Callable, Iterable, Sequence

from compose.cli.context import Context
from compose.errors import ProjectError
from compose.orchestration.selection import by_service_and_number, target
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
        for record in sorted(records, key=by_service_and_number)
        if (oneoff or not record.spec.oneoff) and (not wanted or record.spec.service in wanted)
    ]


def check_services(context: Context, services: Iterable[str], records: Iterable[ContainerRecord]) -> None:
    """Raise ProjectError for a service that does not exist.

    The files are read only when a name has no container: a typing error, or a service not yet created.
    """
    missing = set(services) - {record.spec.service for record in records}
    if missing and context.location().files:
        missing -= set(context.resolve().section("services"))
    if missing:
        raise no_such_service(min(missing))


def no_such_service(name: str) -> ProjectError:
    """Return docker compose's error."""
    return ProjectError(f"no such service: {name}")


def existing_services(
    context: Context, matters: Callable[[ContainerRecord], bool] = lambda _: True, *, oneoff: bool = False
) -> tuple[str, ...] | None:
    """Return the services of the command line that have containers, () for all, None where nothing `matters`.

    So a command without work ends before it imports what the work would need. Raises as project_containers.
    """
    named = context.options.services
    records = [record for record in project_containers(context, named, oneoff=oneoff) if matters(record)]
    if not records:
        return None
    return tuple(dict.fromkeys(record.spec.service for record in records)) if named else ()


def replica(context: Context, service: str, index: int = 0, *, running: bool = True) -> ContainerRecord:
    """Return the container of a service with a number, or its first, of those that run. Raises ProjectError."""
    return target(context.reader(), context.location().name, service, index, running=running)
