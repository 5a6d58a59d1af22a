"""`build` by the plan of an earlier one: known without loading the project, as long as the plan would be the same.

The plan of a build follows from the files of the project, the command line and the environment alone. It is kept with
the answers that the loader got (see `noted`), and while these are the same, the models and the graph need not even be
imported. What is in a context and in a Dockerfile, and what is in the cache, the runtime looks at as always.
"""

import json

from compose.cli import garbage
from compose.cli.building import perform
from compose.cli.context import Context
from compose.cli.exit_codes import INTERRUPTED, SUCCESS
from compose.cli.noted import STANDARD_INPUT, Builds, RecordingReader, holds, is_notable, question
from compose.orchestration.operation import BuildImage
from compose.orchestration.plan import Plan, PlanBuilder
from runtime.errors import EngineError
from schemas.engine.codec import from_plain, to_plain

_OTHERWISE = ("check", "dry_run", "print", "push")
"""Flags that ask for more than building, or for something else."""


def report(context: Context) -> int | None:
    """Build by the kept plan, if there is one that holds; return the exit code then. Raises what building raises."""
    if not _applies(context):
        return None
    known = _known(context)
    if known is None:
        return None
    garbage.begin_to_collect()
    project, plan = known
    done = perform(context, project, plan, quiet=context.options.quiet, on_output=True)
    return SUCCESS if done else INTERRUPTED


def remember(context: Context, reader: RecordingReader, project: str, plan: Plan) -> None:
    """Keep the plan of a build that went well, unless there was something to warn of or it would keep a secret."""
    builds = builds_of(plan)
    if builds is None or not (is_notable(context, reader) and _applies(context)):
        return
    text = json.dumps({"answers": reader.answers, "project": project, "builds": builds})
    context.images().keep_plan(question(context), text)


def builds_of(plan: Plan) -> Builds | None:
    """Return a plan of builds as what a note keeps; None for one with a secret's value, which is kept nowhere."""
    builds = [(node.operation, node.after) for node in plan if isinstance(node.operation, BuildImage)]
    if any(secret.value for operation, _ in builds for secret in operation.spec.secrets):
        return None
    return [[to_plain(operation), list(after)] for operation, after in builds]


def plan_of(builds: Builds) -> Plan:
    """Return the plan of which `builds_of` made a note. Raises ValueError, TypeError for anything else."""
    builder = PlanBuilder()
    for operation, after in builds:
        builder.add(from_plain(BuildImage, operation), after=after)
    return builder.build()


def _applies(context: Context) -> bool:
    options = context.options
    return STANDARD_INPUT not in options.file and not any(getattr(options, flag) for flag in _OTHERWISE)


def _known(context: Context) -> tuple[str, Plan] | None:
    """Return the project's name and the plan, if they are known."""
    try:
        text = context.images().plan(question(context))
    except EngineError:
        # Without the rights, or without the state: the whole way will say so, in its turn.
        return None
    if text is None:
        return None
    try:
        note = json.loads(text)
        return (str(note["project"]), plan_of(note["builds"])) if holds(context, note["answers"]) else None
    except (ValueError, KeyError, TypeError):
        # Written by another state of this program.
        return None
