"""Clients of the control socket, good ones and bad ones."""

import socket
from pathlib import Path

import pytest

from runtime.errors import NotFound
from runtime.supervisor import protocol
from runtime.supervisor.channel import receive, send
from runtime.supervisor.loop import Loop
from runtime.supervisor.protocol import Answer, Request, decode_incoming, encode_request
from runtime.supervisor.server import Call, Server
from schemas.engine.events import EngineEvent


class Bench:
    """A server whose requests are answered at once."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        self.listener.listen()
        self.loop = Loop()
        self.server = Server(self.listener.detach(), self.loop, self.fulfil, lambda: None)

    def fulfil(self, request: Request, call: Call) -> None:
        """Answer."""
        match request:
            case protocol.Subscribe():
                call.client.is_subscribed = True
                call.answer()
            case protocol.Ping():
                call.answer(Answer(pid=42))
            case _:
                raise NotFound("nothing of that kind")

    def connect(self) -> socket.socket:
        """Return a client."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.connect(self.path)
        return client

    def turn(self) -> None:
        """Let the server do what it has to."""
        self.loop.after(0.01, self.loop.stop)
        self.loop.run()

    def ask(self, client: socket.socket, request: Request) -> Answer:
        """Ask, and return the answer."""
        send(client, encode_request(1, request))
        self.turn()
        answer = decode_incoming(receive(client)[0]).answer
        assert answer is not None
        return answer

    def close(self) -> None:
        """Close everything."""
        self.server.close()
        self.loop.close()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a server."""
    return Bench(tmp_path / "s")


def test_stuck_listener_must_be_dropped(bench: Bench) -> None:
    """One who does not read is given up; the other hears and gets everything."""
    stuck, quick = bench.connect(), bench.connect()
    for client in (stuck, quick):
        bench.ask(client, protocol.Subscribe())
    event = EngineEvent("container", "start", "c" * 64, attributes={"padding": "x" * 50_000})
    heard = 0
    for _ in range(250):
        bench.server.publish(event)
        heard += decode_incoming(receive(quick)[0]).event is not None
    assert heard == 250
    bench.turn()

    def read_all() -> None:
        for _ in range(250):
            receive(stuck)

    with pytest.raises(EOFError):
        read_all()
    assert bench.ask(quick, protocol.Ping()).pid == 42
    for client in (stuck, quick):
        client.close()
    bench.close()


def test_refusal_must_reach_the_client(bench: Bench) -> None:
    """An error is an answer, and its descriptors do not stay open."""
    client = bench.connect()
    send(client, encode_request(1, protocol.Start("x")), [0, 0])
    bench.turn()
    answer = decode_incoming(receive(client)[0]).answer
    assert answer is not None
    assert (answer.error, answer.message) == ("NotFound", "nothing of that kind")
    client.close()
    bench.turn()
    assert bench.server.is_alone
    bench.close()
