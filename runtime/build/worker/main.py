"""The worker's life: it waits for requests, forks a child for each, and ends when its builder does.

Spawned, it clones itself as the first process of a pid namespace. When that one ends, be it by SIGKILL, the kernel
ends everything below it; and it ends when the builder closes the socket, however that came about. A child is the first
process of a pid namespace of its own, so that a step is cancelled with all its processes by one signal.
"""

import functools
import json
import os
import resource
import selectors
import signal
import socket
from contextlib import suppress
from dataclasses import field
from pathlib import Path

from runtime.build.worker import copying, running
from runtime.build.worker.messages import TASKS, BringFiles, MakeFolder, Outcome, ReadDigest, RunProgram, Task
from runtime.errors import EngineError, InvalidArgument, Unavailable
from runtime.image.content import BlobStore
from runtime.image.layers import LayerStore
from runtime.launch.seccomp_compile import program_for
from runtime.syscall import constants as c
from runtime.syscall import process
from runtime.syscall.mount import mount
from runtime.syscall.worker import CONNECTION, error_to_plain
from schemas.dataclass import dataclass
from schemas.engine.codec import from_plain, to_plain

MOST_DESCRIPTORS = 5
_KILLED = "was there not enough memory?"
_STEP_NAMESPACES = c.CLONE_NEWNS | c.CLONE_NEWPID


@dataclass(slots=True)
class _Step:
    pidfd: int
    answer: socket.socket
    is_over: bool = False


@dataclass(slots=True)
class _Request:
    task: int
    answer: int
    others: list[int] = field(default_factory=list)

    def close(self) -> None:
        for descriptor in (self.task, self.answer, *self.others):
            os.close(descriptor)


def main() -> None:
    """Serve the connection that the builder left on CONNECTION."""
    pid, pidfd = process.clone(_serve, _STEP_NAMESPACES)
    os.close(CONNECTION)
    os.close(pidfd)
    # Ctrl-C is the builder's, who closes the connection.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.waitpid(pid, 0)
    os._exit(0)


def _serve() -> None:
    process.prctl(c.PR_SET_PDEATHSIG, signal.SIGKILL, "PR_SET_PDEATHSIG")
    os.setsid()
    os.umask(0)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Nothing that is mounted here goes out to the host.
    mount("", "/", None, c.MS_REC | c.MS_SLAVE)
    with socket.socket(fileno=CONNECTION) as connection:
        _Server(connection).serve()
    os._exit(0)


class _Server:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection, selectors.EVENT_READ, self._accept)

    def serve(self) -> None:
        """Work until the builder closes the connection."""
        while True:
            for key, _ in self._selector.select():
                if not key.data():
                    return

    def _accept(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._connection, 64, MOST_DESCRIPTORS)
        if not data:
            return False
        request = _Request(descriptors[0], descriptors[1], list(descriptors[2:]))
        try:
            body = functools.partial(_carry_out, request, *_read(request.task))
            _, pidfd = process.clone(body, _STEP_NAMESPACES)
            step = _Step(pidfd, socket.socket(fileno=os.dup(request.answer)))
        finally:
            request.close()
        self._selector.register(pidfd, selectors.EVENT_READ, functools.partial(self._end, step))
        self._selector.register(step.answer, selectors.EVENT_READ, functools.partial(self._cancel, step))
        return True

    def _cancel(self, step: _Step) -> bool:
        """The builder wants no answer any more, or has it already."""
        if step.is_over:
            return True  # both were found ready at once
        self._selector.unregister(step.answer)
        process.send_signal(step.pidfd, signal.SIGKILL)
        return True

    def _end(self, step: _Step) -> bool:
        """A step is over; its answer, when there is one, is already on its way."""
        step.is_over = True
        self._selector.unregister(step.pidfd)
        with suppress(KeyError):
            self._selector.unregister(step.answer)
        ended = os.waitid(os.P_PIDFD, step.pidfd, os.WEXITED)
        if ended is not None and ended.si_status:
            # Said aloud: children forked meanwhile hold the socket too, so that nobody sees it closed.
            _reply(step.answer, {"error": error_to_plain(Unavailable("the build step was killed", hint=_KILLED))})
        step.answer.close()
        os.close(step.pidfd)
        return True


def _read(descriptor: int) -> tuple[Task, LayerStore]:
    """Read a task here: what that makes once, decoders and the filter of calls, is there for all children."""
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        document = json.load(file)
    task = from_plain(TASKS[document["call"]], document["task"])
    if isinstance(task, RunProgram):
        with suppress(EngineError):  # the child says what
            program_for(task.bundle.seccomp, task.bundle.capabilities)
    return task, LayerStore(BlobStore(Path(document["images"])))


def _carry_out(request: _Request, task: Task, layers: LayerStore) -> None:
    """Do one step in a child, and answer. What fails is the answer."""
    os.close(CONNECTION)
    os.close(request.task)
    with socket.socket(fileno=request.answer) as answer:
        try:
            outcome = _do(task, layers, request.others)
            reply: dict[str, object] = {"outcome": to_plain(outcome)}
        except RecursionError:
            reply = {"error": error_to_plain(InvalidArgument("the files are nested too deep"))}
        except Exception as error:  # noqa: BLE001 - any failure is the builder's to know
            reply = {"error": error_to_plain(error)}
        _reply(answer, reply)
    os._exit(0)


def _reply(answer: socket.socket, reply: dict[str, object]) -> None:
    with suppress(BrokenPipeError):  # nobody wants it any more
        answer.send(json.dumps(reply).encode())


def _do(task: Task, layers: LayerStore, descriptors: list[int]) -> Outcome:
    if isinstance(task, BringFiles):
        return copying.bring_files(task, layers)
    if isinstance(task, MakeFolder):
        return copying.make_folder(task, layers)
    if isinstance(task, ReadDigest):
        return copying.read_digest(task)
    return running.run_program(task, layers, descriptors)
