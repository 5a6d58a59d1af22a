"""A process of its own that brings one project's firewall in line with the state, and ends.

The supervisor starts it when a container with published ports has ended by itself (runtime.supervisor.ports).
"""

import sys
from pathlib import Path

from runtime.network.enforcement import Enforcement
from runtime.paths import Paths
from runtime.state.database import Database


def main() -> None:
    """Run it: STATE PROJECT."""
    state, project = sys.argv[1:]
    paths = Paths(Path(state), Path())
    Enforcement(Database(paths.database), paths.state).apply(project)
