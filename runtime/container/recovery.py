"""Finishing what a killed command left: called by whoever holds the project's lock.

Every intent that stands then belongs to a command that died, and every container that is
`removing` is removed the rest of the way.
"""

from runtime.container import creation
from runtime.container.partners import Partners
from runtime.state import containers, intents
from schemas.engine.status import ContainerStatus


def recover(partners: Partners, project: str) -> None:
    """Undo half-made containers, finish half-removed ones, bring the networks in line with the state."""
    connection = partners.database.read()
    left = intents.of_project(connection, project)
    removing = [
        record for record in containers.all_of(connection, project) if record.status is ContainerStatus.REMOVING
    ]
    for intent in left:
        if intent.action == creation.CREATE:
            creation.undo_creation(partners, intent)
    for record in removing:
        creation.remove(partners, record, with_volumes=False)
    if left or removing:
        partners.networks.reconcile(project)
