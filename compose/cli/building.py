"""The builds of `build`, with their progress."""

from typing import TYPE_CHECKING, cast

from compose.cli.context import Context
from compose.cli.interrupts import interruptible
from compose.errors import Warning  # noqa: A004 - the word of the domain
from compose.orchestration.commands import run_plan
from compose.orchestration.executor import Execution
from compose.orchestration.plan import Plan

if TYPE_CHECKING:
    from runtime.api import Runtime

_WITHOUT_EFFECT = ("builder", "provenance", "sbom")


def perform(context: Context, project: str, plan: Plan, *, quiet: bool, on_output: bool) -> bool:
    """Carry out a plan of builds. False: interrupted.

    `on_output`: with its progress on standard output, as docker compose has it in `build` and nowhere else.
    """
    with interruptible() as interruption:
        events = context.progress(silent=quiet, on_output=on_output)
        execution = Execution(events, context.options.parallel, interruption)
        # Of a runtime, builds ask for images alone.
        runtime = cast("Runtime", context.images())
        outcome = run_plan(plan, runtime, project, execution, title="Building")
    return not outcome.interrupted


def warn_of_flags(context: Context) -> None:
    """Say which flags do nothing here."""
    for name in _WITHOUT_EFFECT:
        if getattr(context.options, name) not in ("", "false", "0"):
            context.warn(Warning(f"`--{name}` has no effect here"))
