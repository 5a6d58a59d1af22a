"""What SIGKILL of the supervisor, of the keeper and of both may cost: nothing that anybody notices."""

import os
import random
import signal
import threading
import time

from schemas.engine.specs import RestartPolicy
from schemas.engine.status import ContainerStatus
from tests.integration.supervisor.stage import Stage, is_running, name_of, parent

BACK_WITHIN_S = 0.1
FLOOD_LINES = 1_200_000


def test_supervisor_must_be_back_within_100_ms(stage: Stage) -> None:
    """A killed supervisor is replaced, and knows its containers."""
    containers = [stage.run("sleep 100") for _ in range(5)]
    took = []
    for _ in range(5):
        killed = stage.supervisor()
        begun = time.monotonic()
        os.kill(killed, signal.SIGKILL)
        assert stage.supervisor() != killed
        took.append(time.monotonic() - begun)
    assert sorted(took)[2] < BACK_WITHIN_S
    for container in containers:
        assert stage.client.stop(container, timeout_s=0) in {137, 143}


def test_output_must_be_exact_under_kills(stage: Stage) -> None:
    """60 MB and hundreds of SIGKILLs: each line once, in order."""
    container = stage.run(f"sleep 0.3; awk 'BEGIN {{ for (i = 1; i <= {FLOOD_LINES}; i++) printf \"%048d\\n\", i }}'")
    kills = 0
    chance = random.Random(7)
    keeper, _ = stage.pair()
    while stage.record(container).status is ContainerStatus.RUNNING and kills < 1000:
        for child in children(keeper):
            if name_of(child) == "pycompose-super":
                os.kill(child, signal.SIGKILL)
                kills += 1
        time.sleep(chance.random() * 0.02)
    assert stage.client.wait(container) == 0
    assert kills > 100
    lines = stage.output(container)
    assert lines == [b"%048d" % number for number in range(1, FLOOD_LINES + 1)]


def test_exit_code_must_survive_the_supervisor(stage: Stage) -> None:
    """What ends while no supervisor runs is recorded by the next one."""
    container = stage.run("sleep 0.5; echo last words; exit 9")
    keeper, supervisor = stage.pair()
    os.kill(keeper, signal.SIGSTOP)
    os.kill(supervisor, signal.SIGKILL)
    time.sleep(1.0)
    os.kill(keeper, signal.SIGCONT)
    assert stage.client.wait(container) == 9
    assert stage.output(container) == [b"last words"]
    assert stage.actions(container).count("die") == 1


def test_calls_under_way_must_survive_the_supervisor(stage: Stage) -> None:
    """A `wait` and a `stop` that were asked before the kill are answered after it."""
    container = stage.run("trap 'sleep 0.5; exit 6' TERM; while :; do sleep 0.05; done")
    time.sleep(0.3)
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.append(stage.client.wait(container))),
        threading.Thread(target=lambda: codes.append(stage.client.stop(container, timeout_s=10))),
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    os.kill(stage.supervisor(), signal.SIGKILL)
    for thread in threads:
        thread.join(10)
    assert codes == [6, 6]


def test_keeper_must_be_replaced_by_its_supervisor(stage: Stage) -> None:
    """When the keeper is killed the supervisor takes its place, and a child of it supervises on."""
    container = stage.run("while :; do echo tick; sleep 0.05; done")
    keeper, supervisor = stage.pair()
    os.kill(keeper, signal.SIGKILL)
    stage.until(lambda: not is_running(keeper))
    stage.until(lambda: parent(stage.supervisor()) == supervisor)
    before = len(stage.output(container))
    stage.until(lambda: len(stage.output(container)) > before)
    # The container is the new keeper's child now, and so its exit goes the long way.
    assert stage.client.stop(container, signal="SIGKILL", timeout_s=0) == 137


def test_either_must_survive_the_other_again_and_again(stage: Stage) -> None:
    """Keeper and supervisor are killed in turn; container, output and exit code stay."""
    container = stage.run("i=0; while [ $i -lt 60 ]; do echo $i; i=$((i+1)); sleep 0.05; done; exit 11")
    for round_ in range(12):
        os.kill(stage.pair()[round_ % 2], signal.SIGKILL)
        time.sleep(0.1)
    assert stage.client.wait(container) == 11
    assert stage.output(container) == [b"%d" % number for number in range(60)]


def test_random_kills_must_not_be_noticed(stage: Stage) -> None:
    """Either is killed at random moments, also while the other is coming back."""
    script = "i=0; while [ $i -lt 250 ]; do echo $i; i=$((i+1)); sleep 0.02; done; exit 14"
    containers = [stage.run(script) for _ in range(3)]
    chance = random.Random(3)
    until = time.monotonic() + 4
    while time.monotonic() < until:
        os.kill(chance.choice(stage.pair()), signal.SIGKILL)
        time.sleep(chance.random() * 0.06)
    assert [stage.client.wait(container) for container in containers] == [14] * 3
    for container in containers:
        assert stage.output(container) == [b"%d" % number for number in range(250)]


def test_both_killed_must_be_started_and_adopt(stage: Stage) -> None:
    """Containers run on without the pair; the next call starts one, which knows them again."""
    container = stage.run("i=0; while [ $i -lt 40 ]; do echo $i; i=$((i+1)); sleep 0.05; done; exit 12")
    pid = stage.record(container).pid
    stage.kill_pair()
    time.sleep(0.3)
    assert is_running(pid)
    assert stage.client.wait(container) == 12
    assert stage.output(container) == [b"%d" % number for number in range(40)]


def test_end_that_nobody_saw_must_be_recorded_as_lost(stage: Stage) -> None:
    """Ended while neither keeper nor supervisor ran: 255, and why."""
    container = stage.run("echo before; sleep 0.5; exit 3")
    stage.until(lambda: stage.output(container) == [b"before"])
    stage.kill_pair()
    # The session adopted it; reaped, its exit code is gone for good.
    os.waitpid(stage.record(container).pid, 0)
    stage.supervisor()
    stage.until_status(container, ContainerStatus.EXITED)
    record = stage.record(container)
    assert (record.status, record.exit_code) == (ContainerStatus.EXITED, 255)
    assert "lost" in record.error


def test_restart_policy_must_survive_the_supervisor(stage: Stage) -> None:
    """A container that waits to be restarted is restarted by the next supervisor."""
    container = stage.shell("echo run; sleep 0.1; exit 1", RestartPolicy("always"))
    stage.client.start(container)
    stage.until_status(container, ContainerStatus.RESTARTING)
    os.kill(stage.supervisor(), signal.SIGKILL)
    before = len(stage.output(container))
    stage.until(lambda: len(stage.output(container)) > before + 1)


def test_start_that_was_cut_off_must_leave_one_process(stage: Stage) -> None:
    """A supervisor killed in the middle of a start: asked again, it starts the container once."""
    for _ in range(10):
        container = stage.shell("exec sleep 100")
        supervisor = stage.supervisor()
        starter = threading.Thread(target=stage.client.start, args=(container,))
        starter.start()
        time.sleep(random.random() * 0.02)
        os.kill(supervisor, signal.SIGKILL)
        starter.join(10)
        record = stage.record(container)
        assert record.status is ContainerStatus.RUNNING
        stage.until(lambda record=record: members(f"{stage.project}/{record.id}") == [record.pid])


def children(pid: int) -> list[int]:
    """Return the children of a process."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(each) for each in file.read().split()]
    except FileNotFoundError:
        return []


def members(path: str) -> list[int]:
    """Return the processes of a container's cgroup."""
    for root in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
        try:
            with open(f"{root}/pycompose/{path}/cgroup.procs") as file:
                return [int(each) for each in file.read().split()]
        except FileNotFoundError:
            continue
    return []
