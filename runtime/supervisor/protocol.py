"""What is said on the control socket.

Every packet is JSON. A client sends `{"v", "id", "call", "with"}`: version, a number of its own, the name
of a request below, its fields. The supervisor answers `{"id", "answer"}` once the request is fulfilled or
refused, in any order, and pushes `{"event"}` to those who subscribed and `{"exec_exit"}` to the connection
that started a process. Descriptors travel beside the packet in the order that each request states.
"""

import json
from typing import NamedTuple

from runtime import errors
from runtime.errors import EngineError, InvalidArgument, StartFailed, Unsupported
from schemas.engine.codec import from_plain, to_plain
from schemas.engine.events import EngineEvent
from schemas.engine.specs import ExecSpec

VERSION = 1


class Ping(NamedTuple):
    """Whether somebody is there. Answers the supervisor's pid."""


class Sandbox(NamedTuple):
    """Keep a container's network namespace. Descriptors: the namespace."""

    container_id: str


class HasSandbox(NamedTuple):
    """Whether a container's network namespace is kept. Answers `present`."""

    container_id: str


class Reserve(NamedTuple):
    """Hold sockets for as long as the container runs or restarts. Descriptors: the sockets."""

    container_id: str


class Start(NamedTuple):
    """Start a container's process; answered when its program runs. Idempotent."""

    container_id: str


class Stop(NamedTuple):
    """Signal, wait, kill; answered with `exit_code` when it has ended. Idempotent. Negative: wait for ever."""

    container_id: str
    signal: str = "SIGTERM"
    timeout_s: float = 10.0


class Kill(NamedTuple):
    """Send a signal to a container's own process."""

    container_id: str
    signal: str = "SIGKILL"


class Pause(NamedTuple):
    """Freeze a container's processes."""

    container_id: str
    meanwhile: bool = False
    """Only for as long as the connection lasts: whoever asked may be killed."""


class Unpause(NamedTuple):
    """Thaw a container's processes."""

    container_id: str


class Wait(NamedTuple):
    """Answered with `exit_code` at the next end of a container's process, at once when it does not run."""

    container_id: str


class Exec(NamedTuple):
    """Start a further process. Answers `pid` and `session`; descriptors: pidfd, and the pty's master with a tty.

    Descriptors of the request: those of `stdio` that are given (True), in the order 0, 1, 2.
    """

    container_id: str
    spec: ExecSpec
    stdio: tuple[bool, bool, bool] = (False, False, False)


class SignalExec(NamedTuple):
    """Send a signal to a process that Exec started."""

    session: str
    signal: str


class Attach(NamedTuple):
    """Get at a container's terminal or input. Descriptors: see `Answer.given`."""

    container_id: str


class Subscribe(NamedTuple):
    """Have every event of the project pushed to this connection from now on."""


class Forget(NamedTuple):
    """Let go of all that is kept for a container that is being removed. Idempotent."""

    container_id: str


Request = (
    Ping
    | Sandbox
    | HasSandbox
    | Reserve
    | Start
    | Stop
    | Kill
    | Pause
    | Unpause
    | Wait
    | Exec
    | SignalExec
    | Attach
    | Subscribe
    | Forget
)
REQUESTS: dict[str, type[Request]] = {
    kind.__name__: kind
    for kind in (
        Ping,
        Sandbox,
        HasSandbox,
        Reserve,
        Start,
        Stop,
        Kill,
        Pause,
        Unpause,
        Wait,
        Exec,
        SignalExec,
        Attach,
        Subscribe,
        Forget,
    )
}


class Answer(NamedTuple):
    """What came of a request; `error` is empty when it was fulfilled."""

    error: str = ""
    """Name of a class of runtime.errors."""
    message: str = ""
    hint: str = ""
    exit_code: int = 0
    pid: int = 0
    session: str = ""
    present: bool = False
    given: tuple[str, ...] = ()
    """What the descriptors are: pidfd, pty, output, input."""


class ExecExit(NamedTuple):
    """The end of a process that Exec started on this connection."""

    session: str
    exit_code: int


class Incoming(NamedTuple):
    """A packet for a client; one field beside `number` is set."""

    number: int = 0
    answer: Answer | None = None
    event: EngineEvent | None = None
    exec_exit: ExecExit | None = None


def encode_request(number: int, request: Request) -> bytes:
    """Return the packet of a request."""
    fields = request._asdict()
    if isinstance(request, Exec):
        fields["spec"] = to_plain(request.spec)
    return _packet({"v": VERSION, "id": number, "call": type(request).__name__, "with": fields})


def decode_request(packet: bytes) -> tuple[int, Request]:
    """Return (number, request). Raises Unsupported for another version, InvalidArgument for nonsense."""
    try:
        document = json.loads(packet)
        version, number, call, fields = document["v"], document["id"], document["call"], document["with"]
        if version != VERSION:
            raise Unsupported(
                f"the supervisor speaks version {VERSION} of the control protocol, the client version {version}",
                hint="stop the project's containers with the version of pycompose that started them",
            )
        if call == "Exec":
            first, second, third = fields["stdio"]
            return number, Exec(
                fields["container_id"], from_plain(ExecSpec, fields["spec"]), (bool(first), bool(second), bool(third))
            )
        return number, REQUESTS[call](**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidArgument(f"not a request: {error}") from error


def encode_incoming(incoming: Incoming) -> bytes:
    """Return the packet of something for a client."""
    document: dict[str, object] = {"id": incoming.number}
    if incoming.answer is not None:
        defaults = Answer._field_defaults
        document["answer"] = {
            name: value for name, value in incoming.answer._asdict().items() if value != defaults[name]
        }
    if incoming.event is not None:
        document["event"] = to_plain(incoming.event)
    if incoming.exec_exit is not None:
        document["exec_exit"] = incoming.exec_exit
    return _packet(document)


def decode_incoming(packet: bytes) -> Incoming:
    """Return what the supervisor said. Raises ValueError, KeyError or TypeError for nonsense."""
    document = json.loads(packet)
    answer, event, exec_exit = document.get("answer"), document.get("event"), document.get("exec_exit")
    if answer is not None:
        answer = Answer(**{**answer, "given": tuple(answer.get("given", ()))})
    return Incoming(
        document["id"],
        answer,
        None if event is None else from_plain(EngineEvent, event),
        None if exec_exit is None else ExecExit(*exec_exit),
    )


def refusal(error: EngineError) -> Answer:
    """Return the answer that carries an error to the client."""
    answer = Answer(error=type(error).__name__, message=error.message, hint=error.hint)
    return answer._replace(exit_code=error.exit_code) if isinstance(error, StartFailed) else answer


def raise_if_refused(answer: Answer) -> None:
    """Raise the error an answer carries, as the class it was."""
    if not answer.error:
        return
    kind = getattr(errors, answer.error, EngineError)
    if kind is StartFailed:
        raise StartFailed(answer.message, exit_code=answer.exit_code, hint=answer.hint)
    if kind is errors.SyscallError or not (isinstance(kind, type) and issubclass(kind, EngineError)):
        kind = EngineError
    raise kind(answer.message, hint=answer.hint)


def _packet(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
