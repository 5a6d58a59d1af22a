"""`up`, `create`, `scale`, and the dependencies of `run`: reconcile, check, execute."""

from collections.abc import Callable
from dataclasses import field, replace

from compose import errors
from compose.orchestration import preflight
from compose.orchestration.commands import run_plan
from compose.orchestration.executor import Execution, Outcome
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.reconcile.reconciler import Reconciliation, reconcile
from compose.orchestration.reconcile.resources import changed_volumes
from compose.orchestration.verbs.build import build_required, plan_builds
from compose.orchestration.verbs.observation import observe_project
from compose.orchestration.verbs.pull import plan_required, pull_required
from runtime.api import Runtime, RuntimeReader
from schemas.composefile.project import Project
from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class UpOutcome:
    """What `up` leaves behind."""

    containers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Service to the names of its containers, dependencies first: what an attached `up` follows."""
    warnings: tuple[errors.Warning, ...] = ()
    interrupted: bool = False


def no_consent(_volume: str) -> bool:
    """Answer no: a changed volume is kept as it is."""
    return False


def plan_up(reader: RuntimeReader, project: Project, options: ReconcileOptions) -> Reconciliation:
    """Return what `up` would do."""
    return reconcile(project, observe_project(reader, project), options)


def described(reader: RuntimeReader, project: Project, options: ReconcileOptions) -> str:
    """Return what `up` would do as text: the pulls, the builds, the plan as far as it can be known before them."""
    plans = (
        plan_required(reader, project, options),
        plan_builds(reader, project, options),
        plan_up(reader, project, options).plan,
    )
    return "\n".join(str(plan) for plan in plans if len(plan))


def up(
    runtime: Runtime,
    project: Project,
    options: ReconcileOptions,
    execution: Execution,
    *,
    confirm: Callable[[str], bool] = no_consent,
    warn: Callable[[errors.Warning], None] | None = None,
) -> UpOutcome:
    """Bring the project into the state its file asks for.

    `confirm` is asked for each changed volume (real name) whether it may be made anew; `warn` gets the
    warnings at once, before anything happens. Raises ComposeError, ErrorGroup for several.
    """
    # Before the lock: it may take long, and another command need not wait for it.
    if options.pull and not pull_required(runtime, project, options, execution):
        return UpOutcome(interrupted=True)
    if not build_required(runtime, project, options, execution, warn):
        return UpOutcome(interrupted=True)
    with runtime.locked(project.name):
        observed = observe_project(runtime, project)
        agreed = frozenset(name for name in changed_volumes(project, observed) if confirm(name))
        decided = reconcile(project, observed, replace(options, recreate_volumes=options.recreate_volumes | agreed))
        if warn is not None:
            for warning in decided.warnings:
                warn(warning)
        preflight.check_images(decided.plan, project, observed)
        preflight.check_ports(decided.plan, runtime, observed)
        outcome = run_plan(
            decided.plan, runtime, project.name, execution, title=_title(options), unchanged=decided.unchanged
        )
    return _outcome_of(decided, outcome, warn)


def _outcome_of(decided: Reconciliation, outcome: Outcome, warn: Callable[[errors.Warning], None] | None) -> UpOutcome:
    if warn is not None:
        for warning in outcome.warnings:
            warn(warning)
    return UpOutcome(
        containers=dict(decided.containers),
        warnings=(*decided.warnings, *outcome.warnings),
        interrupted=outcome.interrupted,
    )


def _title(options: ReconcileOptions) -> str:
    return "Running" if options.start else "Creating"
