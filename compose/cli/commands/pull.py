"""`pull`."""

from compose.cli.context import Context
from compose.cli.exit_codes import INTERRUPTED, SUCCESS
from compose.cli.interrupts import interruptible
from compose.cli.options import PROGRAM
from compose.orchestration.executor import Execution
from compose.orchestration.pull_policy import with_policy
from compose.orchestration.verbs.observation import observe_project
from compose.orchestration.verbs.pull import PullOptions, plan_pull, pull


def run(context: Context) -> int:
    """Pull the images of services."""
    options = context.options
    project = with_policy(context.load().project, options.policy)
    wanted = PullOptions(
        services=tuple(options.services),
        include_dependencies=options.include_deps,
        ignore_failures=options.ignore_pull_failures,
        ignore_buildable=options.ignore_buildable,
    )
    if options.dry_run:
        context.show_plan(str(plan_pull(project, observe_project(context.reader(), project), wanted).plan))
        return SUCCESS
    with interruptible() as interruption:
        execution = Execution(context.progress(silent=options.quiet), options.parallel, interruption)
        outcome = pull(context.runtime(), project, wanted, execution)
    buildable = [service for each in outcome.unpulled if each.buildable for service in each.services]
    if buildable:
        context.note(
            "WARNING: Some service image(s) must be built from source by running:\n"
            f"    {PROGRAM} build {' '.join(sorted(buildable))}"
        )
    outcome.raise_failures()
    return INTERRUPTED if outcome.interrupted else SUCCESS
