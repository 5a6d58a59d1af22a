"""`stop`, `start`, `restart`, `kill`, `pause`, `unpause`, `rm`: from a command's flags to its verb.

Imported when there is something to do (Context.lifecycle), so that the commands' own modules stay light.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from compose.cli.context import Context
from compose.cli.exit_codes import INTERRUPTED, SUCCESS
from compose.cli.interrupts import interruptible
from compose.loader.source import DiskReader
from compose.orchestration.executor import Execution
from compose.orchestration.verbs import lifecycle
from compose.orchestration.verbs.lifecycle import LifecycleOptions
from schemas.engine.specs import ExecSpec

PLANNERS = {
    "stop": lifecycle.plan_stop,
    "start": lifecycle.plan_start,
    "restart": lifecycle.plan_restart,
    "kill": lifecycle.plan_kill,
    "pause": lifecycle.plan_pause,
    "unpause": lifecycle.plan_unpause,
    "rm": lifecycle.plan_remove,
}
_WITH_HOOKS = frozenset({"stop", "start", "restart", "rm"})
# A hook may also come in with one of the last two.
_HOOK_WORDS = (b"pre_stop", b"post_start", b"extends", b"include")


def perform(context: Context, verb: str, options: LifecycleOptions) -> int:
    """Do it and return the exit code. Raises ComposeError, ErrorGroup for several."""
    location = context.location()
    if verb in _WITH_HOOKS and _may_have_hooks(location.files):
        options = _with_hooks(context, options)
    planner = PLANNERS[verb]
    if context.options.dry_run:
        context.show_plan(str(planner(context.reader(), location.name, options)))
        return SUCCESS
    with interruptible() as interruption:
        execution = Execution(context.progress(), context.options.parallel, interruption)
        outcome = lifecycle.run(planner, context.runtime(), location.name, options, execution)
    for warning in outcome.warnings:
        context.warn(warning)
    return INTERRUPTED if outcome.interrupted else SUCCESS


def _may_have_hooks(files: Iterable[str]) -> bool:
    for file in files:
        try:
            text = DiskReader().read(file)
        except OSError:
            return False
        if any(word in text for word in _HOOK_WORDS):
            return True
    return False


def _with_hooks(context: Context, options: LifecycleOptions) -> LifecycleOptions:
    hooks: Mapping[str, Mapping[str, Sequence[ExecSpec]]] = context.hooks()
    return replace(options, pre_stop=hooks["pre_stop"], post_start=hooks["post_start"])
