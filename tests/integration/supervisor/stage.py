"""A project whose containers are made by hand: rows, bundles and sandboxes, as the engine would."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from runtime.cgroup import group
from runtime.logs.reader import read
from runtime.paths import Paths
from runtime.state import containers, journal
from runtime.state.database import Database
from runtime.supervisor.client import SupervisorClient
from schemas.engine.bundle import Bundle, Rootfs
from schemas.engine.codec import to_json
from schemas.engine.identifiers import ContainerID, ImageID, new_id
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ContainerSpec, RestartPolicy
from schemas.engine.status import ContainerStatus


class Stage:
    """Makes containers of one project, and asks its supervisor."""

    def __init__(self, state: Path, run: Path, root: Path, project: str) -> None:
        self.paths = Paths(state, run)
        self.project = project
        self.root = root
        self.database = Database(self.paths.database)
        self.client = SupervisorClient(self.paths, project)
        self.made: list[str] = []

    def create(self, *command: str, restart: RestartPolicy | None = None, **bundle: object) -> str:
        """Make a container that runs a command on the host's network; return its id."""
        container_id = new_id()
        folder = self.paths.container(container_id)
        for name in ("upper", "work"):
            (folder / name).mkdir(parents=True)
        built = Bundle(
            id=container_id,
            rootfs=Rootfs((str(self.root),), str(folder / "upper"), str(folder / "work")),
            args=command,
            environment=("PATH=/bin",),
            network="host",
            cgroup_path=f"pycompose/{self.project}/{container_id}",
            capabilities=("CAP_KILL",),
        )
        self.paths.bundle(container_id).write_text(to_json(replace(built, **bundle)))
        spec = ContainerSpec(
            name=f"{self.project}-c{len(self.made)}",
            image="busybox",
            project=self.project,
            service=f"c{len(self.made)}",
            restart=restart or RestartPolicy(),
        )
        record = ContainerRecord(
            ContainerID(container_id), spec, ImageID(""), time.time_ns(), ContainerStatus.CREATED, command
        )
        with self.database.transaction() as connection:
            containers.insert(connection, record)
        self.made.append(container_id)
        return container_id

    def shell(self, script: str, restart: RestartPolicy | None = None, **bundle: object) -> str:
        """Make a container that runs a shell script."""
        return self.create("/bin/sh", "-c", script, restart=restart, **bundle)

    def run(self, script: str, **bundle: object) -> str:
        """Make and start one; return its id."""
        container_id = self.shell(script, **bundle)
        self.client.start(container_id)
        return container_id

    def record(self, container_id: str) -> ContainerRecord:
        """Return what the state says of a container."""
        return containers.find(self.database.read(), container_id)

    def actions(self, container_id: str) -> list[str]:
        """Return what the journal says happened to a container."""
        return [each.action for each in journal.events(self.database.read(), self.project) if each.id == container_id]

    def output(self, container_id: str, **switches: int) -> list[bytes]:
        """Return a container's lines."""
        return [line.data for line in read(self.paths.log(container_id), **switches)]

    def until(self, question: Callable[[], object], timeout_s: float = 10.0) -> None:
        """Wait until a question has a true answer. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while not question():
            if time.monotonic() > deadline:
                raise TimeoutError("it did not come true")
            time.sleep(0.005)

    def until_status(self, container_id: str, status: ContainerStatus, timeout_s: float = 10.0) -> None:
        """Wait until a container has a status."""
        self.until(lambda: self.record(container_id).status is status, timeout_s)

    def supervisor(self) -> int:
        """Return the supervisor's pid."""
        return self.client.ping()

    def pair(self) -> tuple[int, int]:
        """Return the pids of (keeper, supervisor), once both are there."""
        while True:
            supervisor = self.supervisor()
            keeper = parent(supervisor)
            # An orphan's parent is the test session: it must not be taken for a keeper and killed.
            if name_of(keeper).startswith("pycompose-"):
                return keeper, supervisor
            time.sleep(0.001)

    def kill_pair(self) -> None:
        """SIGKILL both at once."""
        keeper, supervisor = self.pair()
        # The keeper must not start another one in between.
        os.kill(keeper, signal.SIGSTOP)
        os.kill(supervisor, signal.SIGKILL)
        os.kill(keeper, signal.SIGKILL)
        self.until(lambda: not is_running(keeper) and not is_running(supervisor))

    def close(self) -> None:
        """Stop everything and wait until nothing is left."""
        for container_id in self.made:
            if self.record(container_id).status.is_live:
                self.client.stop(container_id, signal="SIGKILL", timeout_s=0)
            self.client.forget(container_id)
            with suppress(FileNotFoundError):
                group.remove(f"pycompose/{self.project}/{container_id}")
        self.client.close()
        socket = self.paths.control_socket(self.project)
        self.until(lambda: not socket.exists(), 15.0)
        self.database.close()


def name_of(pid: int) -> str:
    """Return the name of a process, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def parent(pid: int) -> int:
    """Return the parent of a process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def is_running(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
