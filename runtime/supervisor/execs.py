"""Further processes in a running container, started for clients."""

import os
from collections.abc import Callable
from signal import SIGKILL
from typing import NamedTuple

from runtime.errors import EngineError, FailedPrecondition, NotFound
from runtime.launch.launcher import Launched
from runtime.launch.stdio import LaunchStdio
from runtime.supervisor.chronicle import event
from runtime.supervisor.exits import Exit
from runtime.supervisor.services import Services
from runtime.syscall.process import send_signal
from schemas.engine.bundle import Bundle
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ExecSpec


class Session(NamedTuple):
    """A process that was started."""

    name: str
    """64 hexadecimal digits, as Docker's exec ids."""
    pid: int
    pidfd: int
    pty: int | None


class Listener(NamedTuple):
    """Who is told about a session."""

    started: Callable[[Session], None]
    """Descriptors in the session are ours; the listener sends duplicates."""
    failed: Callable[[EngineError], None]
    ended: Callable[[str, int], None]


class Execs:
    """The sessions of one container."""

    def __init__(self, container: ContainerRecord, services: Services) -> None:
        self._container = container
        self._services = services
        self._sessions: dict[str, Session] = {}

    def start(self, bundle: Bundle, spec: ExecSpec, target: int, stdio: LaunchStdio, listener: Listener) -> None:
        """Start a process. Raises EngineError for what is wrong at once."""
        name = os.urandom(32).hex()
        attributes = {"execID": name, "command": " ".join(spec.command)}
        self._services.chronicle.record(self._container, event(self._container, "exec_create", **attributes))
        self._services.launches.start_exec(
            bundle, spec, target, stdio, lambda launched: self._started(name, launched, listener), listener.failed
        )

    def signal(self, name: str, number: int) -> None:
        """Signal a session's process. Raises NotFound, FailedPrecondition when it has ended."""
        session = self._sessions.get(name)
        if session is None:
            raise NotFound(f"no such exec session: `{name}`")
        if not send_signal(session.pidfd, number):
            raise FailedPrecondition("the process has ended")

    def has(self, name: str) -> bool:
        """Whether a session is one of this container and runs."""
        return name in self._sessions

    def kill_all(self) -> None:
        """Kill what runs: the container has ended."""
        for session in self._sessions.values():
            send_signal(session.pidfd, SIGKILL)

    def _started(self, name: str, launched: Launched, listener: Listener) -> None:
        session = Session(name, launched.pid, launched.pidfd, launched.pty_fd)
        self._sessions[name] = session
        listener.started(session)
        if session.pty is not None:
            # The client's alone: when it goes, the terminal hangs up.
            os.close(session.pty)
        self._services.processes.watch(session.pid, session.pidfd, lambda found: self._ended(session, found, listener))

    def _ended(self, session: Session, found: Exit, listener: Listener) -> None:
        del self._sessions[session.name]
        attributes = {"execID": session.name, "exitCode": str(found.code)}
        self._services.chronicle.record(self._container, event(self._container, "exec_die", **attributes))
        listener.ended(session.name, found.code)
        # The zombie is reaped through the pidfd, right after this.
        self._services.loop.after(0, lambda: os.close(session.pidfd))
