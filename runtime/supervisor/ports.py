"""Closing the published ports of containers that ended by themselves.

The firewall is the network part's, whose modules would double what a supervisor costs, for something that most
supervisors never do. So a process of its own does it, `runtime.network.release`: it brings the
project's table in line with the state, from which the ports are gone by then.
"""

import os
import sys
from pathlib import Path

from runtime.paths import Paths
from runtime.supervisor.loop import Loop, Timer

COLLECT_S = 0.05
"""Several that end at once are one change."""

_ROOT = str(Path(__file__).resolve().parents[2])
_ENTRY = "runtime.network.release"
_PROGRAM = f"import sys; sys.path.append({_ROOT!r}); from {_ENTRY} import main; main()"


class Ports:
    """The project's published ports, as far as a supervisor deals with them."""

    def __init__(self, paths: Paths, project: str, loop: Loop) -> None:
        self._paths = paths
        self._project = project
        self._loop = loop
        self._timer: Timer | None = None

    def closed(self) -> None:
        """Have the kernel forget what the state has forgotten, in a moment."""
        if self._timer is None:
            self._timer = self._loop.after(COLLECT_S, self._release)

    def _release(self) -> None:
        self._timer = None
        arguments = [sys.executable, "-I", "-S", "-c", _PROGRAM, str(self._paths.state), self._project]
        # Its end is nobody's business; it is swept up with other strays.
        os.posix_spawn(sys.executable, arguments, os.environ)
