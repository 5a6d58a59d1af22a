"""What the commands have in common: run a plan under the project's lock and tell about it."""

from collections.abc import Iterable

from compose.orchestration.executor import Execution, Outcome, execute
from compose.orchestration.plan import Plan
from compose.orchestration.progress import tell_skipped, tell_unchanged
from runtime.api import Runtime


def run_images(
    plan: Plan,
    runtime: Runtime,
    project: str,
    execution: Execution,
    *,
    title: str,
    skipped: Iterable[tuple[str, str]],
) -> Outcome:
    """Execute a plan of pulls or pushes between `start` and `done` of the events; failures are in the outcome.

    `skipped` are services whose image is not moved, and why.
    """
    execution.events.start(title)
    success = False
    try:
        for name, reason in skipped:
            tell_skipped(execution.events, name, reason)
        outcome = execute(plan, runtime, project, execution)
        success = not outcome.failures
    finally:
        execution.events.done(success=success)
    return outcome


def run_plan(
    plan: Plan,
    runtime: Runtime,
    project: str,
    execution: Execution,
    *,
    title: str = "Running",
    unchanged: Iterable[tuple[str, str]] = (),
) -> Outcome:
    """Execute a plan between `start` and `done` of the events. Raises the failures of the outcome.

    `unchanged` are name and word of containers that need nothing.
    """
    execution.events.start(title)
    success = False
    try:
        for name, word in unchanged:
            tell_unchanged(execution.events, name, word)
        outcome = execute(plan, runtime, project, execution)
        success = not outcome.failures
    finally:
        execution.events.done(success=success)
    outcome.raise_failures()
    return outcome
