"""The supervisor: everything that a project's running containers need, in one loop."""

import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType

from runtime.cgroup import control
from runtime.cgroup.hierarchy import detect
from runtime.errors import EngineError
from runtime.launch import bundle_file
from runtime.logs.writer import LogWriter, limits
from runtime.state.database import Database
from runtime.supervisor.adoption import clear_group, open_process
from runtime.supervisor.chronicle import Chronicle
from runtime.supervisor.custody import Custody
from runtime.supervisor.desk import Desk
from runtime.supervisor.estate import Estate, socket_pair
from runtime.supervisor.keeper import Keeper
from runtime.supervisor.launches import Launches
from runtime.supervisor.loop import Loop, Timer
from runtime.supervisor.names import Names
from runtime.supervisor.ports import Ports
from runtime.supervisor.processes import Processes
from runtime.supervisor.protocol import Request
from runtime.supervisor.server import Call, Server
from runtime.supervisor.services import Services
from runtime.supervisor.supervised import Supervised
from runtime.syscall.process import become_subreaper, close_descriptors, set_name
from schemas.engine.bundle import Bundle
from schemas.engine.codec import from_plain
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ContainerSpec, ExecSpec

IDLE_S = 1.0
FIRST_IDLE_S = 10.0
"""After the start: the client that had the pair started reads its files first."""


_HEALTHCHECK = {"test": ["NONE"]}
_DOCUMENTS: tuple[tuple[type, dict[str, object]], ...] = (
    (Bundle, {"id": "", "rootfs": {"lower": [], "upper": "", "work": ""}, "args": [], "environment": [], "log": {}}),
    (ContainerSpec, {"name": "", "image": "", "restart": {}, "healthcheck": _HEALTHCHECK, "resources": {}, "log": {}}),
    (ContainerSpec, {"name": "", "image": "", "mounts": [], "endpoints": [], "ports": [], "files": []}),
    (ExecSpec, {"command": [], "environment": {}}),
)
"""Decoding one of each prepares the decoders (schemas.engine.codec), which look all type hints up."""


class Supervisor:
    """This process, in the supervisor's role."""

    def __init__(self, estate: Estate, link: socket.socket) -> None:
        self._estate = estate
        self._loop = Loop()
        self._database = Database(estate.paths.database)
        self._custody = Custody(estate, link, self._loop)
        self._custody.on_exit = self._keeper_reported
        self._custody.on_loss = self._keeper_lost
        self._processes = Processes(self._loop, self._custody.exits, self._custody.confirm)
        self._containers: dict[str, Supervised] = {}
        self._server = Server(estate.listener, self._loop, self._fulfil, self._consider_leaving)
        launches = Launches(self._loop, self._custody, self._open_partner)
        launches.on_quiet = self._launches_over
        self._services = Services(
            paths=estate.paths,
            project=estate.project,
            loop=self._loop,
            custody=self._custody,
            processes=self._processes,
            chronicle=Chronicle(self._database, self._server.publish),
            launches=launches,
            names=Names(estate.project, self._database, self._custody, self._loop),
            ports=Ports(estate.paths, estate.project, self._loop),
            ended=self._consider_leaving,
        )
        self._desk = Desk(self._services, self._containers, self._consider_leaving)
        self._idle: Timer | None = None
        self._must_split = False
        self._successor: Keeper | None = None

    def run(self) -> Keeper:
        """Supervise. Returns only when this process has become the keeper; ends it when no container runs."""
        set_name("pycompose-super")
        gc.enable()
        become_subreaper()
        self._notice_orphans()
        self._adopt()
        self._consider_leaving(FIRST_IDLE_S)
        self._loop.run()
        if self._successor is None:
            os._exit(0)
        return self._successor

    # -- requests ------------------------------------------------------------------------------

    def _fulfil(self, request: Request, call: Call) -> None:
        self._desk.fulfil(request, call)

    def _open_partner(self, reference: str) -> int | None:
        """Return a new pidfd of a running container, by id or name, of any project; None when it does not run."""
        record = self._services.chronicle.find(reference)
        container = self._containers.get(record.id)
        if container is not None and container.pidfd is not None:
            return os.dup(container.pidfd)
        return open_process(record.id, self._services) if record.status.is_live else None

    # -- after a death -------------------------------------------------------------------------

    def _adopt(self) -> None:
        if not self._database.exists:
            return
        for record in self._services.chronicle.of_project(self._estate.project):
            if record.status.is_live:
                container = self._containers[record.id] = Supervised(record, self._services)
                container.adopt()
            else:
                self._tidy(record)
        self._processes.confirm_strays()

    def _tidy(self, record: ContainerRecord) -> None:
        """Finish what a supervisor was killed in: a launch nobody knows of, the last mark in a log."""
        if not self._estate.paths.log(record.id).exists():
            return
        with suppress(EngineError, OSError):
            bundle = bundle_file.read(self._estate.paths.bundle(record.id))
            if control.is_populated(bundle.cgroup_path):
                clear_group(bundle.cgroup_path)
            writer = LogWriter(self._estate.paths.log(record.id), limits(bundle.log))
            writer.end_run()
            writer.close()

    def _notice_orphans(self) -> None:
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, _noticed)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

        def swept() -> None:
            with suppress(BlockingIOError):
                while os.read(reader, 512):
                    pass
            self._sweep()

        self._loop.watch(reader, swept)

    def _sweep(self) -> None:
        if self._services.launches.is_quiet:
            self._processes.sweep()

    def _launches_over(self) -> None:
        if self._must_split:
            self._loop.after(0, self._split_when_quiet)
        self._sweep()

    def _keeper_reported(self, pid: int) -> None:
        self._processes.was_reported(pid)

    def _keeper_lost(self) -> None:
        # Noticed perhaps in the middle of something that must not go on in two processes.
        self._loop.after(0, self._split_when_quiet)

    def _split_when_quiet(self) -> None:
        # A launch under way has a child that must find its parent: wait for it.
        self._must_split = not self._services.launches.is_quiet
        if not self._must_split:
            self._split()

    def _split(self) -> None:
        """Become the keeper, of all our children too; a new child goes on with everything we know."""
        # A connection to SQLite must not be used on both sides of a fork.
        self._database.close()
        ours, theirs = socket_pair()
        try:
            child = os.fork()
        except OSError as error:
            sys.stderr.write(f"cannot become the keeper yet: {error}\n")
            ours.close()
            theirs.close()
            self._loop.after(IDLE_S, self._split_when_quiet)
            return
        if child:
            signal.set_wakeup_fd(-1)
            theirs.close()
            ours.setblocking(False)
            self._successor = Keeper(self._estate, child, ours, past=self)
            self._loop.stop()
            self._close_all_but({ours.fileno(), self._estate.lock, self._estate.listener})
            return
        ours.close()
        become_subreaper()
        self._custody.replace_link(theirs)

    def _close_all_but(self, kept: set[int]) -> None:
        """Close what only a supervisor needs: clients would never see its end otherwise."""
        first = 3
        for descriptor in sorted(kept | set(self._estate.holdings.values())):
            close_descriptors(first, descriptor - 1)
            first = descriptor + 1
        close_descriptors(first)

    # -- leaving -------------------------------------------------------------------------------

    def _consider_leaving(self, after_s: float = IDLE_S) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._is_needless():
            self._idle = self._loop.after(after_s, self._leave)

    def _is_needless(self) -> bool:
        return self._server.is_alone and not any(container.is_busy for container in self._containers.values())

    def _leave(self) -> None:
        if not self._is_needless():
            return
        # Said first: killed from here on, we leave a dead socket, which the next client replaces.
        self._custody.farewell()
        paths, project = self._estate.paths, self._estate.project
        log = paths.project_run(project) / "keeper.log"
        with suppress(FileNotFoundError):
            if log.stat().st_size == 0:
                log.unlink()
        paths.control_socket(project).unlink(missing_ok=True)
        # Last, and still locked: whoever opens it before finds another file here after.
        (paths.project_run(project) / "keeper.lock").unlink(missing_ok=True)
        # Who came in the meantime is told at once, and starts another pair.
        self._server.close()
        self._loop.stop()


def warm_up() -> None:
    """Do once what every supervisor would do first: forked ones share it."""
    detect()
    for kind, document in _DOCUMENTS:
        from_plain(kind, document)


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the wake-up descriptor has been written to."""
