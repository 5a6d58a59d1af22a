"""What every container's supervision shares: one of each in a supervisor."""

from collections.abc import Callable
from dataclasses import field

from runtime.paths import Paths
from runtime.supervisor.chronicle import Chronicle
from runtime.supervisor.custody import Custody
from runtime.supervisor.launches import Launches
from runtime.supervisor.loop import Loop
from runtime.supervisor.names import Names
from runtime.supervisor.ports import Ports
from runtime.supervisor.processes import Processes
from runtime.syscall.process import boot_id
from schemas.dataclass import dataclass


@dataclass(slots=True)
class Services:
    """The supervisor's parts, handed to each container."""

    paths: Paths
    project: str
    loop: Loop
    custody: Custody
    processes: Processes
    chronicle: Chronicle
    launches: Launches
    names: Names
    ports: Ports
    ended: Callable[[], None]
    """Called when a container has ended for good."""
    boot: str = field(default_factory=boot_id)
