"""Requests to deeds: what each call on the control socket does."""

import os
from collections.abc import Callable

from runtime.errors import EngineError, FailedPrecondition, InvalidArgument, NotFound
from runtime.launch.stdio import LaunchStdio
from runtime.signals import signal_number
from runtime.supervisor import protocol
from runtime.supervisor.execs import Listener, Session
from runtime.supervisor.protocol import Answer, ExecExit, Incoming, Request
from runtime.supervisor.server import Call, Client
from runtime.supervisor.services import Services
from runtime.supervisor.supervised import Supervised
from schemas.engine.status import ContainerStatus


class Desk:
    """Takes requests; long ones are answered by callbacks."""

    def __init__(self, services: Services, containers: dict[str, Supervised], changed: Callable[[], None]) -> None:
        self._services = services
        self._containers = containers
        self._changed = changed
        self._frozen_for: dict[str, Client] = {}
        """Containers that thaw when a connection ends, with the one that asked."""

    def fulfil(self, request: Request, call: Call) -> None:
        """Fulfil a request and answer its call, now or later. Raises EngineError to refuse it."""
        match request:
            case protocol.Start() | protocol.Stop() | protocol.Wait() | protocol.Kill():
                self._run(request, call)
            case protocol.Pause() | protocol.Unpause():
                self._freeze(request, call)
            case protocol.Exec():
                self._exec(request, call)
            case protocol.SignalExec():
                self._signal_exec(request)
                call.answer()
            case protocol.Attach():
                self._attach(request.container_id, call)
            case protocol.Subscribe():
                call.client.is_subscribed = True
                call.answer()
            case _:
                self._keep(request, call)

    def _keep(self, request: Request, call: Call) -> None:
        custody = self._services.custody
        match request:
            case protocol.Ping():
                call.answer(Answer(pid=os.getpid()))
            case protocol.Sandbox():
                (namespace,) = _exactly(1, call)
                self._services.names.close(request.container_id)
                custody.hold(f"sandbox:{request.container_id}", namespace)
                call.answer()
            case protocol.HasSandbox():
                call.answer(Answer(present=custody.get(f"sandbox:{request.container_id}") is not None))
            case protocol.Reserve():
                # Beside those it has: a port that the container holds already comes without a socket.
                first = len(custody.names("port", request.container_id))
                for number, reservation in enumerate(call.take_descriptors(), start=first):
                    custody.hold(f"port:{request.container_id}:{number}", reservation)
                call.answer()
            case protocol.Forget():
                self._forget(request.container_id)
                call.answer()
            case _:
                raise InvalidArgument(f"not a request: {request}")

    def _run(self, request: protocol.Start | protocol.Stop | protocol.Wait | protocol.Kill, call: Call) -> None:
        container = self._known(request.container_id)

        def ended(code: int) -> None:
            call.answer(Answer(exit_code=code))

        match request:
            case protocol.Start():
                container.start(call.conclude)
            case protocol.Stop():
                container.stop(request.signal, request.timeout_s, ended)
            case protocol.Wait():
                container.wait(ended)
            case protocol.Kill():
                container.kill(request.signal)
                call.answer()

    def _freeze(self, request: protocol.Pause | protocol.Unpause, call: Call) -> None:
        container, client = self._known(request.container_id), call.client
        if isinstance(request, protocol.Unpause):
            container.unpause()
            self._frozen_for.pop(request.container_id, None)
        else:
            container.pause()
            if request.meanwhile:
                self._frozen_for[request.container_id] = client
                client.farewells.append(lambda: self._thaw(request.container_id, client))
        call.answer()

    def _thaw(self, container_id: str, client: Client) -> None:
        """Let a container run on whose freezer is gone, unless somebody else has frozen it since."""
        if self._frozen_for.get(container_id) is client:
            del self._frozen_for[container_id]
            container = self._containers.get(container_id)
            if container is not None and container.status is ContainerStatus.PAUSED:
                container.unpause()

    def _known(self, container_id: str) -> Supervised:
        """Return a container of this project. Raises NotFound."""
        container = self._containers.get(container_id)
        if container is None or not container.is_busy:
            record = self._services.chronicle.find(container_id)
            if record.spec.project != self._services.project:
                raise NotFound(f"container `{record.name}` is not of project `{self._services.project}`")
            if container is None or container.status is not record.status:
                # The engine has changed it since, or it is new to us.
                container = self._containers[container_id] = Supervised(record, self._services)
        return container

    def _forget(self, container_id: str) -> None:
        container = self._containers.get(container_id)
        if container is not None:
            if container.is_busy:
                raise FailedPrecondition(f"container `{container.record.name}` is running")
            container.output.close()
            del self._containers[container_id]
        self._services.names.close(container_id)
        self._services.custody.drop(*self._services.custody.names_of(container_id))
        self._changed()

    def _exec(self, request: protocol.Exec, call: Call) -> None:
        container = self._known(request.container_id)
        target = container.pidfd
        if target is None:
            raise FailedPrecondition(f"container `{container.record.name}` is not running")
        if container.status is ContainerStatus.PAUSED:
            raise FailedPrecondition(f"container `{container.record.name}` is paused", hint="unpause it first")
        descriptors = _exactly(sum(request.stdio), call)
        try:
            given = iter(descriptors)
            stdio = LaunchStdio(*(next(given) if present else None for present in request.stdio))
            container.execs.start(container.bundle, request.spec, target, stdio, _listener(call))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _signal_exec(self, request: protocol.SignalExec) -> None:
        number = signal_number(request.signal)
        for container in self._containers.values():
            if container.execs.has(request.session):
                container.execs.signal(request.session, number)
                return
        raise NotFound(f"no such exec session: `{request.session}`")

    def _attach(self, container_id: str, call: Call) -> None:
        container = self._known(container_id)
        if container.pidfd is None:
            raise FailedPrecondition(f"container `{container.record.name}` is not running")
        if container.bundle.tty:
            descriptors: tuple[int, ...] = container.output.attach_terminal()
            names: tuple[str, ...] = ("output", "input")
        elif container.bundle.stdin_open:
            descriptors, names = (container.output.attach_input(),), ("input",)
        else:
            descriptors, names = (), ()
        call.answer(Answer(given=names), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _exactly(count: int, call: Call) -> list[int]:
    descriptors = call.take_descriptors()
    if len(descriptors) != count:
        for descriptor in descriptors:
            os.close(descriptor)
        raise InvalidArgument(f"the request needs {count} descriptors, {len(descriptors)} came")
    return descriptors


def _listener(call: Call) -> Listener:
    def started(session: Session) -> None:
        descriptors = [session.pidfd] if session.pty is None else [session.pidfd, session.pty]
        given = ("pidfd",) if session.pty is None else ("pidfd", "pty")
        call.answer(Answer(pid=session.pid, session=session.name, given=given), tuple(descriptors))

    def failed(error: EngineError) -> None:
        call.refuse(error)

    def ended(name: str, code: int) -> None:
        call.client.push(Incoming(exec_exit=ExecExit(name, code)))

    return Listener(started, failed, ended)
