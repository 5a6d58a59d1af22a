"""`wait`: until containers end."""

import threading
from collections.abc import Sequence
from queue import SimpleQueue

from compose.errors import ProjectError
from compose.orchestration.selection import containers_of
from runtime.api import Runtime
from runtime.errors import EngineError
from schemas.engine.records import ContainerRecord

Ending = tuple[ContainerRecord, int]


def wait(runtime: Runtime, project: str, services: Sequence[str], *, first_only: bool = False) -> list[Ending]:
    """Return containers and exit codes in the order in which they ended; one that has ended counts at once.

    `first_only` returns at the first end. Raises ProjectError when the project has no such container.
    """
    records = containers_of(runtime, project, services)
    if not records:
        raise ProjectError(f'no containers for project "{project}"')
    ended: SimpleQueue[Ending | EngineError] = SimpleQueue()
    for record in records:
        threading.Thread(target=_wait_for, args=(runtime, record, ended), daemon=True).start()
    endings: list[Ending] = []
    while len(endings) < (1 if first_only else len(records)):
        answer = ended.get()
        if isinstance(answer, EngineError):
            raise ProjectError(answer.message, hint=answer.hint)
        endings.append(answer)
    return endings


def _wait_for(runtime: Runtime, record: ContainerRecord, ended: "SimpleQueue[Ending | EngineError]") -> None:
    try:
        ended.put((record, runtime.wait_container(record.id)))
    except EngineError as error:
        ended.put(error)
