"""`up -d --build`, and with services of `pull_policy: build`: the builds first, by the note of the last `up`.

When they change nothing, as most builds before an `up` do, the note still holds, and all containers run. When they do,
the project is loaded after all, and its images need not be built again.
"""

from compose.cli import garbage, unchanged
from compose.cli.building import perform
from compose.cli.context import Context
from compose.cli.exit_codes import INTERRUPTED
from compose.cli.planned import plan_of


def report(context: Context) -> int | None:
    """Build what is noted, and tell that all containers run if they still do; return the exit code then.

    Raises what building raises.
    """
    note = unchanged.recalled(context)
    if note is None:
        return None
    try:
        plan = plan_of(note["builds"])
    except (ValueError, TypeError):
        return None  # noted by another state of this program
    garbage.begin_to_collect()
    project = context.location().name
    if not perform(context, project, plan, quiet=context.options.quiet_build, on_output=False):
        return INTERRUPTED
    context.built = plan
    return unchanged.tell(context, note["containers"]) if unchanged.recalled(context) == note else None
