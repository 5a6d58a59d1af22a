"""What happened to a container, network, volume or image: the lines of `events`.

Not to be confused with compose.events.ProgressEvent, which is about what a command is doing.
"""

from dataclasses import field

from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """One line of the journal.

    `action` is Docker's word: create, start, die, stop, kill, restart, oom, destroy, rename,
    health_status, exec_create, exec_die (containers); create, destroy, connect (networks) …
    """

    type: str
    """container, network, volume or image."""
    action: str
    id: str
    project: str = ""
    service: str = ""
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    sequence: int = 0
    """Position in the journal; 0 before it is recorded."""
    time_ns: int = 0
    """Wall clock, nanoseconds since the epoch; 0 before it is recorded."""
