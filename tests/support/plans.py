"""Decisions as plan texts: what the tests of `up` compare."""

from textwrap import dedent

from compose.orchestration.observed import ObservedState
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.reconcile.reconciler import reconcile
from schemas.composefile.project import Project
from tests.support.builders import needs, project, service

HEALTHCHECK = {"test": ("CMD", "true")}


def plan(wanted: Project, observed: ObservedState, **options: object) -> str:
    """The text of the plan."""
    return str(reconcile(wanted, observed, ReconcileOptions(**options)).plan)  # type: ignore[arg-type]


def text(block: str) -> str:
    """A literal without its margin."""
    return dedent(block).strip()


def pair(**of_web: object) -> Project:
    """Web, which needs db."""
    return project(service("db"), service("web", depends_on=needs("db"), **of_web))
