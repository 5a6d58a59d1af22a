"""Further processes, terminals and input, for clients."""

import os
import select
import signal
import time

import pytest

from runtime.errors import FailedPrecondition, StartFailed
from schemas.engine.specs import ExecSpec
from schemas.engine.status import ContainerStatus
from tests.integration.supervisor.stage import Stage


def run(stage: Stage, container: str, *command: str, stdin: int | None = None) -> tuple[int, bytes]:
    """Run a command in a container; return its exit code and what it printed."""
    reader, writer = os.pipe()
    session = stage.client.exec(container, ExecSpec(command), stdin=stdin, stdout=writer, stderr=writer)
    os.close(writer)
    output = b"".join(iter(lambda: os.read(reader, 65536), b""))
    os.close(reader)
    return session.wait(), output


def test_exec_must_give_output_and_exit_code(stage: Stage) -> None:
    """A process in a running container writes to the caller's descriptors and ends with its code."""
    container = stage.run("echo hidden > /tmp/secret; sleep 100")
    stage.until(lambda: run(stage, container, "cat", "/tmp/secret") == (0, b"hidden\n"))
    assert run(stage, container, "sh", "-c", "echo out; echo err >&2; exit 3") == (3, b"out\nerr\n")
    assert stage.actions(container)[-2:] == ["exec_create", "exec_die"]


def test_exec_must_read_the_callers_input(stage: Stage) -> None:
    """Standard input comes from the caller."""
    container = stage.run("sleep 100")
    reader, writer = os.pipe()
    os.write(writer, b"hello\n")
    os.close(writer)
    assert run(stage, container, "tr", "a-z", "A-Z", stdin=reader) == (0, b"HELLO\n")
    os.close(reader)


def test_exec_of_nothing_must_fail(stage: Stage) -> None:
    """127 for what is not there, a refusal for a container that does not run."""
    container = stage.run("sleep 100")
    with pytest.raises(StartFailed) as caught:
        run(stage, container, "nothing")
    assert caught.value.exit_code == 127
    stage.client.stop(container, timeout_s=0)
    with pytest.raises(FailedPrecondition, match="is not running"):
        run(stage, container, "true")


def test_exec_must_be_signalled(stage: Stage) -> None:
    """A signal reaches the process; its code says so."""
    container = stage.run("sleep 100")
    session = stage.client.exec(container, ExecSpec(("sleep", "100")), stdin=None, stdout=None, stderr=None)
    session.signal(signal.SIGTERM)
    assert session.wait() == 143


def test_exec_must_have_a_terminal(stage: Stage) -> None:
    """With a tty: a pty of its own, of the size that was asked for."""
    container = stage.run("sleep 100")
    spec = ExecSpec(("sh", "-c", "stty size; read x; stty size; exit 4"), tty=True, rows=33, columns=99)
    session = stage.client.exec(container, spec, stdin=None, stdout=None, stderr=None)
    assert session.pty_fd is not None
    assert b"33 99" in until_seen(session.pty_fd, b"33 99")
    session.resize(44, 111)
    os.write(session.pty_fd, b"\n")
    assert b"44 111" in until_seen(session.pty_fd, b"44 111")
    assert session.wait() == 4
    os.close(session.pty_fd)


def test_end_of_the_container_must_end_its_execs(stage: Stage) -> None:
    """No process outlives the container it was started in."""
    container = stage.run("sleep 100")
    session = stage.client.exec(container, ExecSpec(("sleep", "100")), stdin=None, stdout=None, stderr=None)
    stage.client.stop(container, timeout_s=0)
    assert session.wait() == 137


@pytest.mark.parametrize("victim", ["supervisor", "keeper"])
def test_exec_must_survive_a_kill(stage: Stage, victim: str) -> None:
    """Neither process of the pair takes a running exec along, and its exit code arrives."""
    container = stage.run("sleep 100")
    spec = ExecSpec(("sh", "-c", "sleep 0.5; exit 21"))
    session = stage.client.exec(container, spec, stdin=None, stdout=None, stderr=None)
    keeper, supervisor = stage.pair()
    os.kill(supervisor if victim == "supervisor" else keeper, signal.SIGKILL)
    assert session.wait() == 21


def test_attached_terminal_must_copy_output(stage: Stage) -> None:
    """A container with a tty: viewers get what it prints, the log too, and input reaches it."""
    container = stage.run("echo ready; read line; echo got $line; exit 8", tty=True)
    attached = stage.client.attach(container)
    assert attached.output_fd is not None
    assert attached.input_fd is not None
    attached.resize(20, 60)
    os.write(attached.input_fd, b"typed\n")
    assert b"got typed" in until_seen(attached.output_fd, b"got typed")
    assert stage.client.wait(container) == 8
    assert until_seen(attached.output_fd, b"never") is not None
    attached.close()
    assert b"".join(stage.output(container)).startswith(b"ready\r")


def test_terminal_must_survive_the_supervisor(stage: Stage) -> None:
    """The keeper holds the pty: no hang-up, and the viewer goes on to see."""
    container = stage.run("while read line; do echo got $line; done", tty=True)
    attached = stage.client.attach(container)
    assert attached.input_fd is not None
    assert attached.output_fd is not None
    os.kill(stage.supervisor(), signal.SIGKILL)
    stage.supervisor()
    os.write(attached.input_fd, b"after\n")
    assert b"got after" in until_seen(attached.output_fd, b"got after")
    attached.close()
    assert stage.record(container).status is ContainerStatus.RUNNING


def test_closed_input_must_end_the_program(stage: Stage) -> None:
    """stdin_open without a tty: input is open until somebody attached has closed it."""
    container = stage.run("while read line; do echo got $line; done; exit 13", stdin_open=True)
    time.sleep(0.2)
    assert stage.record(container).status is ContainerStatus.RUNNING
    attached = stage.client.attach(container)
    assert attached.output_fd is None
    assert attached.input_fd is not None
    os.write(attached.input_fd, b"one\n")
    stage.until(lambda: stage.output(container) == [b"got one"])
    attached.close()
    assert stage.client.wait(container) == 13


def until_seen(descriptor: int, wanted: bytes, timeout_s: float = 5.0) -> bytes:
    """Read until something was seen, the end came or time is up; return what was read."""
    seen = b""
    deadline = time.monotonic() + timeout_s
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while wanted not in seen and time.monotonic() < deadline:
        if poll.poll(100):
            try:
                data = os.read(descriptor, 65536)
            except OSError:
                return seen
            if not data:
                return seen
            seen += data
    return seen
