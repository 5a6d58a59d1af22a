"""`down`."""

from compose.cli.context import Context
from compose.cli.exit_codes import INTERRUPTED, SUCCESS
from compose.cli.interrupts import interruptible
from compose.cli.options import settle_orphans
from compose.cli.selection import check_services
from compose.loader.pipeline import Resolved
from compose.naming import image_name
from compose.orchestration.executor import Execution
from compose.orchestration.verbs.down import Declared, DownOptions, down, plan_down


def run(context: Context) -> int:
    """Stop and remove containers and networks, and what more is asked for."""
    options = context.options
    settle_orphans(options)
    location = context.location()
    check_services(context, options.services, context.reader().containers(location.name))
    wanted = DownOptions(
        services=tuple(options.services),
        volumes=options.volumes,
        remove_orphans=options.remove_orphans,
        timeout_s=options.timeout,
        images=options.rmi,
        declared=declared_by(context.resolve(), compatibility=options.compatibility) if location.files else None,
    )
    return take_down(context, wanted)


def take_down(context: Context, wanted: DownOptions) -> int:
    """Do it and return the exit code. Raises ComposeError."""
    project = context.location().name
    if context.options.dry_run:
        context.show_plan(str(plan_down(context.reader(), project, wanted)))
        return SUCCESS
    with interruptible() as interruption:
        execution = Execution(context.progress(), context.options.parallel, interruption)
        outcome = down(context.runtime(), project, wanted, execution, warn=context.warn)
    return INTERRUPTED if outcome.interrupted else SUCCESS


def declared_by(project: Resolved, *, compatibility: bool) -> Declared:
    """Return what the Compose file declares, as far as `down` asks."""
    services = {**project.section("services"), **project.section("disabled_services")}
    name = project.tree["name"]
    return Declared(
        services=frozenset(services),
        volumes=frozenset(key for key, volume in project.section("volumes").items() if not volume.get("external")),
        built_images=frozenset(
            image_name(name, key, compatibility=compatibility)
            for key, service in services.items()
            if not service.get("image")
        ),
    )
