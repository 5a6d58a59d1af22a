"""`create`."""

from dataclasses import replace

from compose.cli.context import Context
from compose.cli.creation import consent, load_project, reconcile_options
from compose.cli.exit_codes import INTERRUPTED, SUCCESS
from compose.cli.interrupts import interruptible
from compose.cli.options import settle_orphans
from compose.errors import ProjectError
from compose.orchestration.executor import Execution
from compose.orchestration.verbs.up import described, up


def run(context: Context) -> int:
    """Create containers without starting them."""
    options = context.options
    if options.force_recreate and options.no_recreate:
        raise ProjectError("--force-recreate and --no-recreate are incompatible")
    settle_orphans(options)
    project = load_project(context)
    wanted = replace(reconcile_options(options), start=False)
    if options.dry_run:
        context.show_plan(described(context.reader(), project, wanted))
        return SUCCESS
    with interruptible() as interruption:
        execution = Execution(context.progress(), options.parallel, interruption)
        outcome = up(
            context.runtime(),
            project,
            wanted,
            execution,
            confirm=lambda volume: consent(context, volume),
            warn=context.warn,
        )
    return INTERRUPTED if outcome.interrupted else SUCCESS
