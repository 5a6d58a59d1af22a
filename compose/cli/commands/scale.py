"""`scale`."""

from compose.cli.context import Context
from compose.cli.exit_codes import INTERRUPTED, SUCCESS
from compose.cli.interrupts import interruptible
from compose.orchestration.executor import Execution
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.verbs.scale import parse_scale, scaled
from compose.orchestration.verbs.up import described, up


def run(context: Context) -> int:
    """Bring services to other numbers of containers."""
    options = context.options
    numbers = parse_scale(options.replicas)
    project = scaled(context.load().project, numbers)
    wanted = ReconcileOptions(services=tuple(numbers), with_dependencies=not options.no_deps)
    if options.dry_run:
        context.show_plan(described(context.reader(), project, wanted))
        return SUCCESS
    with interruptible() as interruption:
        execution = Execution(context.progress(), options.parallel, interruption)
        outcome = up(context.runtime(), project, wanted, execution, warn=context.warn)
    return INTERRUPTED if outcome.interrupted else SUCCESS
