"""`push`."""

from compose.cli.context import Context
from compose.cli.exit_codes import INTERRUPTED, SUCCESS
from compose.cli.interrupts import interruptible
from compose.orchestration.executor import Execution
from compose.orchestration.verbs.push import PushOptions, plan_push, push


def run(context: Context) -> int:
    """Push the images of services that build them."""
    options = context.options
    project = context.load().project
    wanted = PushOptions(tuple(options.services), include_dependencies=options.include_deps)
    if options.dry_run:
        plan, _ = plan_push(project, wanted)
        context.show_plan(str(plan))
        return SUCCESS
    with interruptible() as interruption:
        execution = Execution(context.progress(silent=options.quiet), options.parallel, interruption)
        outcome = push(context.runtime(), project, wanted, execution)
    if options.ignore_push_failures:
        for failure in outcome.failures:
            context.note(f"Pushing {failure.message}")
    else:
        outcome.raise_failures()
    return INTERRUPTED if outcome.interrupted else SUCCESS
