"""Where things lie on disk: the layout of the state and run directories, nothing else.

    STATE (/var/lib/pycompose)                 RUN (/run/pycompose, gone after a reboot)
    ├── state.db                               └── projects/<project>/
    ├── images/      blobs, layers, …              ├── control.sock    the supervisor listens here
    ├── build-caches/ of RUN --mount=type=cache    ├── lock            one changing command at a time
    ├── volumes/<name>/_data                       │
    └── containers/<id>/                           ├── keeper.lock     held by keeper and supervisor for life
        ├── bundle.json                            ├── keeper.log      their last words
        ├── upper/ work/                           ├── files/<container id>/  secrets and configs
        ├── files/   hosts, hostname, resolv.conf  └── <container id>/ *.fifo
        └── log/

PYCOMPOSE_ROOT and PYCOMPOSE_RUN override both. Without root the XDG directories serve.
"""

import os
from pathlib import Path

from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Paths:
    """The two directories and what is in them."""

    state: Path
    run: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.state / "state.db"

    @property
    def images(self) -> Path:
        """Root of the image store."""
        return self.state / "images"

    @property
    def build_caches(self) -> Path:
        """Folders of `RUN --mount=type=cache`."""
        return self.state / "build-caches"

    @property
    def volumes(self) -> Path:
        """Root of the named volumes."""
        return self.state / "volumes"

    def container(self, container_id: str) -> Path:
        """Folder of one container."""
        return self.state / "containers" / container_id

    def bundle(self, container_id: str) -> Path:
        """The launcher's input."""
        return self.container(container_id) / "bundle.json"

    def network_files(self, container_id: str) -> Path:
        """Folder of a container's hosts, hostname and resolv.conf."""
        return self.container(container_id) / "files"

    def log(self, container_id: str) -> Path:
        """Folder of a container's output."""
        return self.container(container_id) / "log"

    def project_run(self, project: str) -> Path:
        """Run directory of one project."""
        return self.run / "projects" / project

    def control_socket(self, project: str) -> Path:
        """Socket of the project's supervisor."""
        return self.project_run(project) / "control.sock"

    def project_lock(self, project: str) -> Path:
        """Lock file of the project."""
        return self.project_run(project) / "lock"

    def keeper_lock(self, project: str) -> Path:
        """Lock file that the project's keeper and supervisor hold for life."""
        return self.project_run(project) / "keeper.lock"

    def made_files(self, project: str, container_id: str) -> Path:
        """Folder of the secrets and configs that are written for a container."""
        return self.project_run(project) / "files" / container_id

    def container_run(self, project: str, container_id: str) -> Path:
        """Run directory of one container (its FIFOs)."""
        return self.project_run(project) / container_id


def default_paths() -> Paths:
    """Return the directories this user and environment have."""
    return Paths(_state_directory(), _run_directory())


def _state_directory() -> Path:
    if override := os.environ.get("PYCOMPOSE_ROOT"):
        return Path(override).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/pycompose")
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local/share") / "pycompose"


def _run_directory() -> Path:
    if override := os.environ.get("PYCOMPOSE_RUN"):
        return Path(override).absolute()
    if os.geteuid() == 0:
        return Path("/run/pycompose")
    run = os.environ.get("XDG_RUNTIME_DIR")
    # Never below /tmp: whoever makes the folder there first would be the supervisor we talk to.
    return Path(run) / "pycompose" if run else _state_directory() / "run"
