"""What a recreation leaves behind when it is interrupted, and how it is known again.

A replacement waits as `<12 digits>_<name>`, with the label `com.docker.compose.replace`, until the old container
is gone (docker/compose, pkg/compose/convergence.go).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from compose import labels
from compose.orchestration.reconcile.decisions import Removal, Renaming, ServiceDecision
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ContainerSpec
from schemas.engine.status import ContainerStatus

TEMPORARY_DIGITS = 12
_GONE = (ContainerStatus.DEAD, ContainerStatus.REMOVING)


def sort_out(records: Sequence[ContainerRecord], decision: ServiceDecision) -> Iterator[ContainerRecord]:
    """Yield the containers that are to be judged; decide about those that are only half there."""
    names = {record.name for record in records}
    for record in records:
        final = record.spec.labels.get(labels.REPLACE, "")
        if record.status in _GONE:
            decision.removals.append(Removal(record, f"half removed ({record.status})"))
        elif not _is_temporary(record.name, final):
            yield record
        elif final in names:
            decision.removals.append(Removal(record, "left over from an interrupted recreation"))
        else:
            decision.renamings.append(Renaming(record, final))
            yield replace(record, spec=replace(record.spec, name=final))


def temporary_spec(record: ContainerRecord, spec: ContainerSpec) -> ContainerSpec:
    """Return the spec of a replacement as long as the old container has the name.

    The digits are the same for the same replacement, so that plans can be compared.
    """
    seed = f"{record.id} {spec.labels[labels.CONFIG_HASH]}"
    digits = hashlib.sha256(seed.encode()).hexdigest()[:TEMPORARY_DIGITS]
    return replace(spec, name=f"{digits}_{spec.name}", labels={**spec.labels, labels.REPLACE: spec.name})


def _is_temporary(name: str, final: str) -> bool:
    return bool(final) and name != final and name[TEMPORARY_DIGITS:] == f"_{final}"
