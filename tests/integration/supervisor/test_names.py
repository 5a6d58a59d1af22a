"""Names inside a sandbox, over restarts and over the death of a supervisor."""

import fcntl
import os
import signal
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from runtime.resolver import netns
from runtime.resolver.sockets import RESOLVER_ADDRESS, RESOLVER_PORT
from runtime.state import networks
from schemas.engine.identifiers import NetworkID, new_id
from schemas.engine.records import EndpointRecord, NetworkRecord
from schemas.engine.specs import NetworkSpec, RestartPolicy
from schemas.engine.status import ContainerStatus
from tests.integration.supervisor.stage import Stage

SIOCSIFFLAGS = 0x8914
IFF_UP = 1


@pytest.fixture
def sandbox() -> Iterator[int]:
    """Return a network namespace whose loopback is up."""
    ready, done = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        netns.make()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            fcntl.ioctl(link, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
        os.write(ready[1], b"x")
        os.read(done[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    os.write(done[1], b"x")
    os.waitpid(pid, 0)
    yield descriptor
    for each in (descriptor, *ready, *done):
        os.close(each)


def named(stage: Stage, sandbox: int, script: str, restart: RestartPolicy | None = None) -> str:
    """Make a container that is called `web` on a network, with its sandbox registered."""
    container = stage.shell(script, restart, network="sandbox")
    network = NetworkRecord(NetworkID(new_id()), NetworkSpec("net", stage.project), 1)
    endpoint = EndpointRecord(network.id, "net", "10.1.2.3", 24, "10.1.2.1", "", "eth0", "", ("web",))
    with stage.database.transaction() as connection:
        networks.insert(connection, network)
        networks.insert_endpoint(connection, container, 0, endpoint)
    stage.client.sandbox(container, sandbox)
    return container


def ask(sandbox: int, name: str, timeout_s: float = 1.0) -> bytes | None:
    """Ask for a name's IPv4 address from inside the sandbox; return it, None for no answer."""
    with netns.inside(sandbox):
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with asking:
        asking.settimeout(timeout_s)
        question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\1\0\1"
        asking.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + question, (RESOLVER_ADDRESS, RESOLVER_PORT))
        try:
            return asking.recv(512)[-4:]
        except TimeoutError:
            return None


def test_name_must_be_answered_while_it_runs(stage: Stage, sandbox: int) -> None:
    """Known from the start to the end of the process, over restarts."""
    container = named(stage, sandbox, "sleep 0.3; exit 1", RestartPolicy("always"))
    stage.client.start(container)
    assert ask(sandbox, "web") == socket.inet_aton("10.1.2.3")
    stage.until(lambda: stage.record(container).restart_count == 2)
    stage.until_status(container, ContainerStatus.RUNNING)
    assert ask(sandbox, "web") == socket.inet_aton("10.1.2.3")


def test_name_must_be_answered_after_a_kill(stage: Stage, sandbox: int) -> None:
    """A question asked while there is no supervisor is answered by the next one, from the same socket."""
    container = named(stage, sandbox, "sleep 100")
    stage.client.start(container)
    for _ in range(5):
        os.kill(stage.supervisor(), signal.SIGKILL)
        begun = time.monotonic()
        assert ask(sandbox, "web") == socket.inet_aton("10.1.2.3")
        assert time.monotonic() - begun < 0.5


def test_names_must_come_back_with_a_new_pair(stage: Stage, sandbox: int) -> None:
    """After the death of both, sandbox and sockets are found again through the process."""
    container = named(stage, sandbox, "sleep 100")
    stage.client.start(container)
    stage.kill_pair()
    stage.supervisor()
    assert ask(sandbox, "web") == socket.inet_aton("10.1.2.3")
    assert stage.client.has_sandbox(container)
