"""Several clients at once, clients that go, clients that do not read."""

import os
import socket
import threading
import time

import pytest

from runtime.errors import InvalidArgument, NotFound, Unsupported
from runtime.supervisor import protocol
from runtime.supervisor.client import Connection, SupervisorClient
from runtime.supervisor.spawn import Address, connect
from tests.integration.supervisor.stage import Stage


def connection(stage: Stage) -> Connection:
    """Return a connection of the test's own."""
    sock = connect(Address(stage.paths, stage.project), start=True)
    assert sock is not None
    return Connection(sock)


def test_clients_must_start_one_pair(stage: Stage) -> None:
    """Whoever comes first starts it; all reach the same."""
    clients = [SupervisorClient(stage.paths, stage.project) for _ in range(8)]
    pids: list[int] = []
    threads = [threading.Thread(target=lambda client=client: pids.append(client.ping())) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(pids) == 8
    assert len(set(pids)) == 1
    for client in clients:
        client.close()


def test_many_calls_must_be_in_flight_at_once(stage: Stage) -> None:
    """Starts, waits and stops of many threads over one client do not wait for each other."""
    containers = [stage.shell("trap 'exit 3' TERM; while :; do sleep 0.05; done") for _ in range(6)]
    codes: list[int] = []

    def live(container: str) -> None:
        stage.client.start(container)
        waiter = threading.Thread(target=lambda: codes.append(stage.client.wait(container)))
        waiter.start()
        time.sleep(0.3)
        codes.append(stage.client.stop(container, timeout_s=20))
        waiter.join(20)

    threads = [threading.Thread(target=live, args=(container,)) for container in containers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert codes == [3] * 12


def test_events_must_be_pushed(stage: Stage) -> None:
    """A listener gets what happens, in order, as it happens."""
    stream = stage.client.subscribe()
    container = stage.run("exit 5")
    events = [stream.read(5.0) for _ in range(2)]
    assert [(event.action, event.id) for event in events if event] == [("start", container), ("die", container)]
    assert events[1] is not None
    assert events[1].attributes["exitCode"] == "5"
    assert stream.read(0.05) is None
    stream.close()


def test_listener_must_outlive_a_supervisor(stage: Stage) -> None:
    """The stream goes on with the supervisor's successor."""
    container = stage.run("sleep 100")
    stream = stage.client.subscribe()
    os.kill(stage.supervisor(), 9)
    assert stream.read(0.3) is None
    stage.client.stop(container, timeout_s=0)
    seen = [event.action for event in iter(lambda: stream.read(0.5), None)]
    assert "die" in seen
    stream.close()


def test_stuck_listener_must_not_stop_the_others(stage: Stage) -> None:
    """One who subscribed and does not read is given up; everything else goes on."""
    stuck = connection(stage)
    stuck.ask(protocol.Subscribe())
    container = stage.run("while :; do sleep 1; done")
    begun = time.monotonic()
    for _ in range(300):
        stage.client.kill(container, "SIGCONT")
    assert time.monotonic() - begun < 20
    stuck.close()
    assert stage.supervisor()


def test_vanished_client_must_not_change_anything(stage: Stage) -> None:
    """Gone in the middle of a start: the container runs."""
    container = stage.shell("sleep 100")
    gone = connection(stage)
    gone.socket.sendmsg([protocol.encode_request(1, protocol.Start(container))])
    gone.close()
    stage.until(lambda: stage.record(container).pid)


def test_nonsense_must_be_refused(stage: Stage) -> None:
    """Garbage gets an error; the supervisor lives on."""
    raw = connection(stage)
    for packet, kind in (
        (b"\xff\x00garbage", InvalidArgument),
        (b'{"v":1,"id":1,"call":"Nothing","with":{}}', InvalidArgument),
        (b'{"v":99,"id":1,"call":"Ping","with":{}}', Unsupported),
        (b"[]", InvalidArgument),
    ):
        raw.socket.send(packet)
        incoming, _ = raw.receive()
        assert incoming.answer is not None
        with pytest.raises(kind):
            protocol.raise_if_refused(incoming.answer)
    raw.close()
    assert stage.supervisor()


def test_descriptors_must_be_kept_and_forgotten(stage: Stage) -> None:
    """A sandbox is held until the container is removed; ports until it ends."""
    container = stage.shell("sleep 100")
    assert not stage.client.has_sandbox(container)
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    stage.client.sandbox(container, namespace)
    os.close(namespace)
    assert stage.client.has_sandbox(container)
    with socket.socket() as reservation:
        reservation.bind(("127.0.0.1", 0))
        port = reservation.getsockname()[1]
        stage.client.reserve(container, [reservation.fileno()])
    stage.client.start(container)
    os.kill(stage.supervisor(), 9)
    assert stage.client.has_sandbox(container)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    stage.client.stop(container, timeout_s=0)

    def is_free() -> bool:
        with socket.socket() as other:
            try:
                other.bind(("127.0.0.1", port))
            except OSError:
                return False
            return True

    stage.until(is_free)
    stage.client.forget(container)
    assert not stage.client.has_sandbox(container)


def test_forget_must_not_start_a_pair(stage: Stage) -> None:
    """Removing a container of a project that does not run starts nothing."""
    stage.client.forget("a" * 64)
    assert not stage.paths.control_socket(stage.project).exists()
    with pytest.raises(NotFound):
        stage.client.start("b" * 64)
