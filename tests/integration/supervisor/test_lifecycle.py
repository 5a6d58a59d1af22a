"""Starting, ending and signalling a container."""

import time

import pytest

from runtime.errors import EngineError, FailedPrecondition, NotFound, StartFailed, Unavailable
from runtime.supervisor import spawn
from schemas.engine.specs import Resources, RestartPolicy
from schemas.engine.status import ContainerStatus
from tests.integration.supervisor.stage import Stage, is_running


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_code_must_be_recorded(stage: Stage, code: int) -> None:
    """The code a program ends with is what `wait` and the state say."""
    container = stage.run(f"sleep 0.1; exit {code}")
    assert stage.record(container).status is ContainerStatus.RUNNING
    assert stage.client.wait(container) == code
    record = stage.record(container)
    assert (record.status, record.exit_code, record.pid) == (ContainerStatus.EXITED, code, 0)
    assert record.finished_ns > record.started_ns
    assert stage.actions(container) == ["start", "die"]


def test_program_that_ends_at_once_must_be_seen(stage: Stage) -> None:
    """Nothing is lost of a program that is over before anybody looks."""
    container = stage.run("echo short; exit 3")
    assert stage.client.wait(container) == 3
    assert stage.output(container) == [b"short"]


def test_missing_program_must_fail_the_start(stage: Stage) -> None:
    """A command that does not exist gives 127, and the reason is kept."""
    container = stage.create("/no/such/program")
    with pytest.raises(StartFailed) as caught:
        stage.client.start(container)
    assert caught.value.exit_code == 127
    record = stage.record(container)
    assert (record.status, record.exit_code) == (ContainerStatus.CREATED, 127)
    assert "/no/such/program" in record.error


def test_start_must_be_idempotent(stage: Stage) -> None:
    """Starting what runs changes nothing."""
    container = stage.run("sleep 100")
    pid = stage.record(container).pid
    stage.client.start(container)
    assert stage.record(container).pid == pid


def test_stop_must_signal_then_kill(stage: Stage) -> None:
    """A program that ignores SIGTERM is killed after the grace period."""
    container = stage.run("trap '' TERM; while :; do sleep 1; done")
    time.sleep(0.2)
    begun = time.monotonic()
    assert stage.client.stop(container, timeout_s=0.5) == 137
    assert 0.4 < time.monotonic() - begun < 3
    assert stage.record(container).status is ContainerStatus.EXITED
    assert stage.actions(container) == ["start", "kill", "kill", "die", "stop"]


def test_stop_must_return_as_soon_as_it_ends(stage: Stage) -> None:
    """A program that obeys is not waited for any longer than it takes."""
    container = stage.run("trap 'exit 7' TERM; while :; do sleep 0.05; done")
    time.sleep(0.3)
    begun = time.monotonic()
    assert stage.client.stop(container, timeout_s=30) == 7
    assert time.monotonic() - begun < 5
    assert stage.client.stop(container) == 7


def test_stopped_container_must_start_again(stage: Stage) -> None:
    """Start, stop, start: output goes on in the same log."""
    container = stage.run("echo run; sleep 100")
    stage.until(lambda: stage.output(container) == [b"run"])
    stage.client.stop(container, timeout_s=0)
    stage.client.start(container)
    stage.until(lambda: stage.output(container) == [b"run", b"run"])


def test_kill_must_send_the_signal(stage: Stage) -> None:
    """Any signal arrives; without a process it is refused."""
    container = stage.run("trap 'echo got; exit 5' USR1; while :; do sleep 0.05; done")
    time.sleep(0.3)
    stage.client.kill(container, "SIGUSR1")
    assert stage.client.wait(container) == 5
    assert stage.output(container) == [b"got"]
    with pytest.raises(FailedPrecondition, match="is not running"):
        stage.client.kill(container)


def test_paused_container_must_stand_still(stage: Stage) -> None:
    """Paused processes do nothing; stop works all the same."""
    container = stage.run("while :; do echo tick; sleep 0.05; done")
    stage.until(lambda: len(stage.output(container)) > 2)
    stage.client.pause(container)
    assert stage.record(container).status is ContainerStatus.PAUSED
    time.sleep(0.1)
    before = len(stage.output(container))
    time.sleep(0.3)
    assert len(stage.output(container)) == before
    stage.client.unpause(container)
    stage.until(lambda: len(stage.output(container)) > before)
    stage.client.pause(container)
    assert stage.client.stop(container, timeout_s=0.3) == 137


def test_unknown_container_must_be_refused(stage: Stage) -> None:
    """What does not exist cannot be started."""
    stage.run("sleep 1")
    with pytest.raises(NotFound):
        stage.client.start("f" * 64)


def test_policy_must_restart_with_growing_delays(stage: Stage) -> None:
    """on-failure:2 runs three times, 100 and 200 ms apart, then gives up."""
    container = stage.shell("echo run; exit 4", RestartPolicy("on-failure", 2))
    begun = time.monotonic()
    stage.client.start(container)
    stage.until_status(container, ContainerStatus.EXITED)
    assert 0.3 <= time.monotonic() - begun < 3
    record = stage.record(container)
    assert (record.restart_count, record.exit_code) == (2, 4)
    assert stage.output(container) == [b"run"] * 3


def test_stopped_container_must_not_be_restarted(stage: Stage) -> None:
    """`always` ends where a person says stop, also between two runs."""
    container = stage.shell("exit 1", RestartPolicy("always"))
    stage.client.start(container)
    stage.until(lambda: stage.record(container).restart_count >= 2)
    stage.client.stop(container)
    count = stage.record(container).restart_count
    time.sleep(0.5)
    record = stage.record(container)
    assert (record.status, record.restart_count) == (ContainerStatus.EXITED, count)


def test_pair_must_leave_when_nothing_runs(stage: Stage) -> None:
    """Without containers and clients both processes end, and the next call starts them again."""
    container = stage.run("exit 0")
    stage.client.wait(container)
    keeper, supervisor = stage.pair()
    stage.client.close()
    socket = stage.paths.control_socket(stage.project)
    stage.until(lambda: not socket.exists(), 5.0)
    assert stage.client.ping() not in {supervisor, keeper}


def test_partners_processes_must_be_shared(stage: Stage) -> None:
    """`pid: container:x` sees x's processes, by id and by name; without x it does not start."""
    owner = stage.run("exec sleep 4242")
    for reference in (owner, stage.record(owner).name):
        guest = stage.run("ps -o args", pid_mode=f"container:{reference}")
        stage.client.wait(guest)
        assert b"sleep 4242" in stage.output(guest)
    stage.client.stop(owner, timeout_s=0)
    late = stage.shell("true", pid_mode=f"container:{owner}")
    with pytest.raises(FailedPrecondition, match="does not run"):
        stage.client.start(late)


def test_partner_that_ends_meanwhile_must_be_named(stage: Stage) -> None:
    """A start that it disturbs fails in one of several ways; all of them are one reason to the reader."""
    told: list[tuple[str, EngineError]] = []
    for _ in range(8):
        owner = stage.run("true")
        guest = stage.shell("sleep 60", pid_mode=f"container:{owner}")
        try:
            stage.client.start(guest)
        except EngineError as error:
            told.append((owner, error))
    assert {type(error) for _, error in told} <= {FailedPrecondition}
    assert all(f"container `{owner[:12]}`, which does not run" in str(error) for owner, error in told)


def test_container_on_the_hosts_processes_must_end_whole(stage: Stage) -> None:
    """Without a pid namespace of its own nothing is left of it either, and it starts again."""
    container = stage.run("sleep 4243 & echo $!; exit 2", pid_mode="host")
    assert stage.client.wait(container) == 2
    child = int(stage.output(container)[0])
    stage.until(lambda: not is_running(child))
    stage.client.start(container)
    assert stage.client.wait(container) == 2


def test_out_of_memory_must_be_told(stage: Stage) -> None:
    """A container that the kernel killed for lack of memory says so; the next run starts clean."""
    limits = Resources(memory_bytes=16 << 20, memory_swap_bytes=16 << 20)
    container = stage.run("test -e /again && exit 0; touch /again; tail /dev/zero", resources=limits)
    assert stage.client.wait(container) == 137
    record = stage.record(container)
    assert (record.oom_killed, record.exit_code) == (True, 137)
    assert stage.actions(container) == ["start", "oom", "die"]
    stage.client.start(container)
    assert stage.client.wait(container) == 0
    assert not stage.record(container).oom_killed


def test_broken_pair_must_be_reported(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pair that cannot start is an error that says where to look, not a hang."""
    monkeypatch.setattr(spawn, "_PROGRAM", "raise SystemExit('broken on purpose')")
    with pytest.raises(Unavailable) as caught:
        stage.client.ping()
    assert "keeper.log" in caught.value.hint
    monkeypatch.undo()
    (stage.paths.project_run(stage.project) / "keeper.log").unlink()
    assert stage.client.ping()
