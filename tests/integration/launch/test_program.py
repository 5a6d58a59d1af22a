"""Which program runs, as whom, where, and what is said when it cannot."""

import os

import pytest

from runtime.errors import StartFailed
from tests.integration.launch.containers import Containers


def _failure(containers: Containers, *arguments: str, layers: tuple[str, ...] = (), **settings: object) -> StartFailed:
    with pytest.raises(StartFailed) as caught:
        containers.run(*arguments, layers=layers, **settings)
    return caught.value


def test_the_exit_code_must_be_the_programs(containers: Containers):
    """3 is 3, and a signal is 128 more than its number."""
    assert containers.shell("exit 3").code == 3
    assert containers.run("sh", "-c", "kill -9 $$", init=True).code == 137


@pytest.mark.parametrize(
    ("program", "code", "message"),
    [
        ("nothing", 127, 'exec: "nothing": executable file not found in $PATH'),
        ("/bin/nothing", 127, 'exec: "/bin/nothing": stat /bin/nothing: no such file or directory'),
        ("/etc", 126, 'exec: "/etc": is a directory'),
        ("/etc/passwd", 126, 'exec: "/etc/passwd": permission denied'),
        ("/bin/text", 126, "exec /bin/text: exec format error"),
        ("/bin/orphan", 127, "exec /bin/orphan: no such file or directory"),
        ("", 127, "no command specified"),
    ],
)
def test_a_program_that_cannot_run_must_give_dockers_code_and_words(
    containers: Containers, program: str, code: int, message: str
):
    """127 for what is not there, 126 for what cannot be executed."""
    layer = containers.layer({"bin/text": "no magic\n", "bin/orphan": "#!/no/interpreter\n"})
    failure = _failure(containers, program, layers=(layer,))
    assert (failure.exit_code, failure.message) == (code, message)


def test_path_must_be_the_containers(containers: Containers):
    """The program is looked for in the PATH of its own environment, inside its own root."""
    layer = containers.layer({"opt/tools/tool": "#!/bin/sh\necho found $0\n"})
    ended = containers.run("tool", environment=("PATH=/nowhere:/opt/tools:/bin",), layers=(layer,))
    assert ended.output == "found /opt/tools/tool\n"


@pytest.mark.parametrize(
    ("user", "group_add", "expected"),
    [
        ("", (), "0 0 0 10"),
        ("bob", (), "1000 1000 1000 10 29"),
        ("bob:audio", (), "1000 29 29"),
        ("1000", ("audio", "50"), "1000 1000 1000 10 29 50"),
        ("4000", (), "4000 0 0"),
        ("4000:4001", (), "4000 4001 4001"),
        ("1000:", (), "1000 1000 1000 10 29"),
        ("1000x", (), "77 77 77"),
    ],
)
def test_the_user_must_be_who_the_containers_files_say(
    containers: Containers, user: str, group_add: tuple[str, ...], expected: str
):
    """A number is an id, a name comes from the container's passwd, the own group is always among the groups."""
    ended = containers.shell("echo $(id -u) $(id -g) $(id -G)", user=user, group_add=group_add)
    assert ended.output.strip() == expected


@pytest.mark.parametrize("user", ["4294967296", "-1", "2147483648", "0x3e8", "nosuch", "bob:nosuch", "1000:4294967296"])
def test_a_user_that_is_nobody_must_be_refused(containers: Containers, user: str):
    """An id out of range never becomes root (CVE-2024-40635, CVE-2026-30892), an unknown name is an error."""
    failure = _failure(containers, "true", user=user)
    assert failure.exit_code == 126
    assert "unable to find" in failure.message or "must be in range 0-2147483647" in failure.message


def test_home_must_come_from_passwd_unless_it_is_set(containers: Containers):
    """HOME is the user's home, `/` for a user without one, and what the environment says if it does."""
    assert containers.shell("echo $HOME", user="bob").output == "/home/bob\n"
    assert containers.shell("echo $HOME", user="4000").output == "/\n"
    assert containers.shell("echo $HOME", user="bob", environment=("PATH=/bin", "HOME=/x")).output == "/x\n"


def test_the_working_folder_must_be_made_and_entered(containers: Containers):
    """`working_dir` is created with what is missing above it, also through links of the image."""
    layer = containers.layer(links={"srv": "data/real"})
    assert containers.run("pwd", cwd="/a/b/c").output == "/a/b/c\n"
    assert containers.run("sh", "-c", "pwd -P", cwd="/srv/app", layers=(layer,)).output == "/data/real/app\n"


@pytest.mark.parametrize("descriptor", [*range(3, 14), "self"])
def test_a_working_folder_behind_a_descriptor_must_not_leave_the_container(containers: Containers, descriptor: object):
    """WORKDIR /proc/self/fd/N once led to the host's root (CVE-2024-21626)."""
    failure = _failure(containers, "ls", cwd=f"/proc/self/fd/{descriptor}/../../..", cgroup_path="")
    assert failure.exit_code in (126, 128)


def test_init_must_reap_orphans_and_forward_signals(containers: Containers):
    """`init: true` puts a reaper in front: the program is not process 1, its orphans do not stay zombies."""
    script = """trap 'echo term; exit 5' TERM
(sleep 0.01 &)
sleep 0.2; ps -o stat | grep -c Z; echo $$
while :; do sleep 0.05; done"""
    running = containers.start(containers.bundle("sh", "-c", script, init=True))
    assert running.read_line() == "0"
    assert running.read_line() != "1"
    os.kill(running.launched.pid, 15)
    ended = running.wait()
    assert (ended.code, ended.output) == (5, "term\n")


def test_the_reaper_must_be_as_restricted_as_the_program(containers: Containers):
    """Process 1 of `init: true` has the user, the filter and the capabilities of the program, and no descriptors."""
    ended = containers.shell(
        "grep -E '^(Uid|CapBnd|CapEff|Seccomp:|Name)' /proc/1/status; ls -l /proc/1/fd 2>&1 | grep -c -- '->'",
        init=True,
        user="bob",
    )
    rows = [line.split() for line in ended.lines]
    assert rows[0] == ["Name:", "docker-init"]
    assert rows[1][1:] == ["1000"] * 4
    assert [row[-1] for row in rows[2:]] == ["0000000000000000", "00000000a80425fb", "2", "0"]
