"""`exec` and health probes: a further process, in the container's namespaces and under its restrictions."""

from pathlib import Path

import pytest

from runtime.cgroup import group
from runtime.errors import EngineError, StartFailed
from tests.integration.launch.containers import Containers, Running

STATUS = "grep -E '^(CapInh|CapEff|CapBnd|CapAmb|Seccomp:|NoNewPrivs)' /proc/self/status | tr -d '\\t'"


@pytest.fixture
def running(containers: Containers) -> Running:
    """Return a container that sleeps."""
    return containers.start(
        containers.bundle(
            "sh", "-c", "echo up; exec sleep 60", environment=("PATH=/bin", "COLOUR=red", "SIZE=1"), cwd="/tmp"
        )
    )


def test_an_exec_must_share_the_containers_namespaces(containers: Containers, running: Running):
    """Same namespaces, same cgroups, its files, its processes."""
    script = "for n in mnt pid ipc uts net cgroup; do readlink /proc/self/ns/$n; done; cat /proc/1/comm; pwd"
    names = ("mnt", "pid", "ipc", "uts", "net", "cgroup")
    lines = containers.exec_in(running, "sh", "-c", script).wait().lines
    assert lines[:6] == [_namespace(running.launched.pid, name) for name in names]
    assert lines[6:] == ["sleep", "/tmp"]


def test_an_exec_must_be_in_the_containers_cgroups(containers: Containers, running: Running):
    """Its memory and processes count as the container's, in every tree."""
    command = containers.exec_in(running, "sleep", "60")
    pids = (running.launched.pid, command.launched.pid)
    groups = [set(Path(f"/proc/{pid}/cgroup").read_text().splitlines()) for pid in pids]
    assert groups[0] == groups[1]
    assert any(running.bundle.cgroup_path in line for line in groups[1])


def test_an_exec_must_be_restricted_like_the_container(containers: Containers, running: Running):
    """Docker's capabilities and filter, nothing inheritable, no descriptors but three."""
    ended = containers.exec_in(running, "sh", "-c", f"{STATUS}; ls /proc/self/fd").wait()
    assert ended.lines == [
        "CapInh:0000000000000000",
        "CapEff:00000000a80425fb",
        "CapBnd:00000000a80425fb",
        "CapAmb:0000000000000000",
        "NoNewPrivs:0",
        "Seccomp:2",
        *"0123",
    ]


def test_a_privileged_exec_must_have_all_capabilities(containers: Containers, running: Running):
    """`exec --privileged` widens the capabilities only."""
    ended = containers.exec_in(running, "sh", "-c", STATUS, privileged=True).wait()
    assert ended.lines[1] != "CapEff:00000000a80425fb"
    assert ended.lines[5] == "Seccomp:2"


def test_an_exec_must_take_user_folder_and_environment(containers: Containers, running: Running):
    """`-u`, `-w` and `-e`, on top of the container's own; None takes a variable away."""
    command = containers.exec_in(
        running,
        "sh",
        "-c",
        "id -u; id -G; pwd; echo $HOME $COLOUR $SIZE",
        user="bob",
        working_dir="/etc",
        environment={"COLOUR": "blue", "SIZE": None},
    )
    assert command.wait().lines == ["1000", "1000 10 29", "/etc", "/home/bob blue"]


def test_its_exit_code_must_be_its_own(containers: Containers, running: Running):
    """The caller is the parent and gets the code."""
    assert containers.exec_in(running, "sh", "-c", "exit 9").wait().code == 9


@pytest.mark.parametrize(
    ("command", "settings", "code", "message"),
    [
        ("nothing", {}, 127, 'exec: "nothing": executable file not found in $PATH'),
        ("/etc", {}, 126, 'exec: "/etc": is a directory'),
        ("true", {"user": "nosuch"}, 126, "unable to find user nosuch: no matching entries in passwd file"),
        ("true", {"user": "4294967296"}, 126, "user `4294967296`: uids and gids must be in range 0-2147483647"),
        ("true", {"working_dir": "/nothing"}, 126, 'chdir to cwd ("/nothing") set in config.json failed: no such file'),
        ("true", {"working_dir": "/proc/self/fd/7"}, 126, 'chdir to cwd ("/proc/self/fd/7") set in config.json failed'),
    ],
)
def test_an_exec_that_cannot_start_must_say_why(
    containers: Containers, running: Running, command: str, settings: dict[str, object], code: int, message: str
):
    """Docker's codes and words; the container runs on."""
    with pytest.raises(StartFailed) as caught:
        containers.exec_in(running, command, **settings)
    assert caught.value.exit_code == code
    assert caught.value.message.startswith(message)
    assert containers.exec_in(running, "true").wait().code == 0


def test_an_exec_in_a_container_that_ended_must_be_refused(containers: Containers):
    """A pidfd of a process that is gone leads nowhere, not to a new process of that number."""
    ended = containers.start(containers.bundle("true"))
    ended.wait()
    for _ in range(2):
        with pytest.raises(EngineError, match="not running"):
            containers.exec_in(ended, "true")
        group.remove(ended.bundle.cgroup_path)


def test_starting_must_not_change_our_own_namespaces(containers: Containers, running: Running):
    """The process that starts things stays where it is, also for its later children."""
    names = ("mnt", "pid", "pid_for_children", "net", "ipc", "uts")
    before = [_namespace("self", name) for name in names]
    containers.exec_in(running, "true").wait()
    assert [_namespace("self", name) for name in names] == before


def _namespace(pid: int | str, name: str) -> str:
    return str(Path(f"/proc/{pid}/ns/{name}").readlink())
