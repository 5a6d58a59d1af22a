"""Containers of the project that its file no longer knows."""

from compose import errors, labels
from compose.orchestration.observed import ObservedState
from compose.orchestration.options import ReconcileOptions
from schemas.composefile.project import Project
from schemas.engine.records import ContainerRecord
from schemas.engine.status import ContainerStatus


def orphans(project: Project, observed: ObservedState) -> list[ContainerRecord]:
    """Return containers of unknown services and ended ones of `run`. A disabled service is known.

    Containers of another checkout with the same project name are nobody's orphans.
    """
    return [
        record
        for record in observed.containers
        if not _is_elsewhere(project, record)
        and (
            record.status in {ContainerStatus.EXITED, ContainerStatus.DEAD}
            if record.spec.oneoff
            else record.spec.service not in project.all_services
        )
    ]


def warnings(project: Project, observed: ObservedState, options: ReconcileOptions) -> list[errors.Warning]:
    """Return what to say about orphans that stay, and about another checkout."""
    found = []
    elsewhere = sorted(
        {record.spec.labels[labels.WORKING_DIR] for record in observed.containers if _is_elsewhere(project, record)}
    )
    if elsewhere:
        found.append(
            errors.Warning(
                f"project `{project.name}` also has containers made from `{'`, `'.join(elsewhere)}`, "
                f"this one is `{project.working_dir}`",
                hint="give one of them another name with `-p`, COMPOSE_PROJECT_NAME or `name:`",
            )
        )
    left = [record.name for record in orphans(project, observed)]
    if left and not options.remove_orphans and not options.ignore_orphans:
        found.append(
            errors.Warning(
                f"Found orphan containers ([{' '.join(left)}]) for this project. If you removed or renamed this "
                "service in your compose file, you can run this command with the --remove-orphans flag to clean it up."
            )
        )
    return found


def _is_elsewhere(project: Project, record: ContainerRecord) -> bool:
    folder = record.spec.labels.get(labels.WORKING_DIR, "")
    return bool(folder and project.working_dir) and folder != project.working_dir
