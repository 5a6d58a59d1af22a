"""Finishing what a killed command left: called by whoever holds the project's lock.

Every intent that stands then belongs to a command that died.
"""

from runtime.container import committing, creation
from runtime.container.partners import Partners
from runtime.errors import NotFound
from runtime.state import intents


def recover(partners: Partners, project: str) -> None:
    """Undo half-made containers, finish half-removed ones, bring the networks in line with the state."""
    left = intents.of_project(partners.database.read(), project)
    for intent in left:
        if intent.action == creation.CREATE:
            creation.undo_creation(partners, intent)
        elif intent.action == creation.REMOVE:
            _finish_removal(partners, intent)
        elif intent.action == committing.COMMIT:
            committing.finish_commit(partners, intent)
    if left:
        partners.networks.reconcile(project)


def _finish_removal(partners: Partners, intent: intents.Intent) -> None:
    doomed = intent.detail.get("volumes", [])
    try:
        record = partners.find(intent.subject)
    except NotFound:
        creation.remove_volumes(partners, doomed)
        with partners.database.transaction() as connection:
            intents.finish(connection, intent.id)
    else:
        creation.finish_removal(partners, record, intent.id, doomed)
