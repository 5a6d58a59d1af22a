"""Packets of the control socket and of the link between keeper and supervisor."""

import pytest

from runtime.errors import InvalidArgument, NotFound, StartFailed, SyscallError, Unsupported
from runtime.supervisor import protocol
from runtime.supervisor.estate import LinkMessage, decode, encode
from runtime.supervisor.protocol import Answer, ExecExit, Incoming
from schemas.engine.events import EngineEvent
from schemas.engine.specs import ExecSpec

REQUESTS = [
    protocol.Ping(),
    protocol.Sandbox("c"),
    protocol.Stop("c", "SIGINT", -1.0),
    protocol.Kill("c", "SIGHUP"),
    protocol.Exec("c", ExecSpec(("ls", "-l"), {"A": "1", "B": None}, tty=True), (True, False, True)),
    protocol.SignalExec("s", "SIGTERM"),
    protocol.Subscribe(),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: type(each).__name__)
def test_request_must_survive_the_way(request_: protocol.Request) -> None:
    """What the supervisor reads is what the client asked."""
    assert protocol.decode_request(protocol.encode_request(7, request_)) == (7, request_)


@pytest.mark.parametrize(
    "incoming",
    [
        Incoming(3, answer=Answer(exit_code=5, given=("pidfd", "pty"))),
        Incoming(event=EngineEvent("container", "die", "c", attributes={"exitCode": "1"}, sequence=9)),
        Incoming(exec_exit=ExecExit("s", 137)),
    ],
)
def test_answer_must_survive_the_way(incoming: Incoming) -> None:
    """What the client reads is what the supervisor said, for answers and for what is pushed."""
    assert protocol.decode_incoming(protocol.encode_incoming(incoming)) == incoming


@pytest.mark.parametrize("packet", [b"", b"x", b"[]", b'{"v":1}', b'{"v":1,"id":1,"call":"Start","with":{"x":1}}'])
def test_nonsense_must_be_an_error(packet: bytes) -> None:
    """Nothing that arrives can break the reader."""
    with pytest.raises(InvalidArgument):
        protocol.decode_request(packet)


def test_other_version_must_be_refused() -> None:
    """A client of another version learns why it is refused."""
    with pytest.raises(Unsupported, match="version"):
        protocol.decode_request(b'{"v":2,"id":1,"call":"Ping","with":{}}')


def test_error_must_keep_its_class() -> None:
    """The client raises what the supervisor raised, with hint and exit code."""
    with pytest.raises(NotFound) as caught:
        protocol.raise_if_refused(protocol.refusal(NotFound("no such container", hint="look")))
    assert caught.value.hint == "look"
    with pytest.raises(StartFailed) as failed:
        protocol.raise_if_refused(protocol.refusal(StartFailed("no program", exit_code=127)))
    assert failed.value.exit_code == 127
    with pytest.raises(Exception, match="mount"):
        protocol.raise_if_refused(protocol.refusal(SyscallError(1, "mount", "/x")))


@pytest.mark.parametrize(
    "message",
    [
        LinkMessage(hold=("stdout:c", "stderr:c")),
        LinkMessage(drop=("pidfd:c",)),
        LinkMessage(confirm=12),
        LinkMessage(farewell=True),
        LinkMessage(exited=(12, 256)),
    ],
)
def test_link_message_must_survive_the_way(message: LinkMessage) -> None:
    """Keeper and supervisor understand each other."""
    assert decode(encode(message)) == message
