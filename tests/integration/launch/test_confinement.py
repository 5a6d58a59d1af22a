"""What a container's process may do and see: Docker's defaults, byte by byte."""

import os
import sys
from pathlib import Path

import pytest

from runtime.errors import StartFailed
from runtime.launch import defaults
from runtime.syscall import capability
from tests.integration.launch.containers import Containers

STATUS = "grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status | tr -d '\\t'"


def test_a_container_must_have_dockers_capabilities_and_filter(containers: Containers):
    """14 capabilities, none inheritable or ambient (CVE-2022-24769), a seccomp filter, no no_new_privs."""
    assert containers.shell(STATUS).lines == [
        "CapInh:0000000000000000",
        "CapPrm:00000000a80425fb",
        "CapEff:00000000a80425fb",
        "CapBnd:00000000a80425fb",
        "CapAmb:0000000000000000",
        "NoNewPrivs:0",
        "Seccomp:2",
    ]


def test_a_user_who_is_not_root_must_have_no_capabilities(containers: Containers):
    """`user: bob` leaves the bounding set and nothing else, with no_new_privs where asked."""
    lines = containers.shell(STATUS, user="bob", no_new_privileges=True).lines
    assert lines[1:4] == ["CapPrm:0000000000000000", "CapEff:0000000000000000", "CapBnd:00000000a80425fb"]
    assert lines[5:] == ["NoNewPrivs:1", "Seccomp:2"]


def test_cap_drop_all_must_leave_nothing(containers: Containers):
    """`cap_drop: [ALL]` empties all sets, and changing an owner is refused."""
    ended = containers.shell(f"{STATUS}; chown bob /tmp", capabilities=())
    assert ended.lines[3] == "CapBnd:0000000000000000"
    assert "ermi" in ended.output  # "Operation not permitted", "permission denied"


def test_a_privileged_container_must_have_everything(containers: Containers):
    """All capabilities, no filter, the host's devices, a writable /sys and nothing masked."""
    ended = containers.shell(
        f"{STATUS}; [ -c /dev/kmsg ] && echo kmsg; grep -c ' /sys rw,' /proc/self/mountinfo; grep -c acpi /proc/mounts",
        privileged=True,
        seccomp="unconfined",
        capabilities=defaults.resolve_capabilities((), (), True),
        masked_paths=(),
        read_only_paths=(),
    )
    held = f"{capability.held():016x}"
    assert ended.lines[1:4] == [f"CapPrm:{held}", f"CapEff:{held}", f"CapBnd:{held}"]
    assert ended.lines[6:] == ["Seccomp:0", "kmsg", "1", "0"]


def test_namespaces_must_be_the_containers_own(containers: Containers):
    """Its mount, process, IPC, UTS, network and cgroup namespaces are not the host's; the user namespace is."""
    lines = containers.shell("for n in mnt pid ipc uts net cgroup user; do readlink /proc/self/ns/$n; done").lines
    host = [
        str(Path(f"/proc/self/ns/{name}").readlink()) for name in ("mnt", "pid", "ipc", "uts", "net", "cgroup", "user")
    ]
    assert [mine == theirs for mine, theirs in zip(lines, host, strict=True)] == [False] * 6 + [True]


def test_host_namespaces_must_be_joined_when_asked(containers: Containers):
    """`pid: host`, `ipc: host`, `uts: host` and `network_mode: host` mean the host's namespaces."""
    ended = containers.shell(
        "for n in pid ipc uts net; do readlink /proc/self/ns/$n; done",
        pid_mode="host",
        ipc_mode="host",
        uts_mode="host",
        network="host",
        cgroup_private=False,
    )
    assert ended.lines == [str(Path(f"/proc/self/ns/{name}").readlink()) for name in ("pid", "ipc", "uts", "net")]


def test_another_containers_namespaces_must_be_joined(containers: Containers):
    """`pid: service:x` and `ipc: service:x` share processes, System V memory and /dev/shm."""
    first = containers.start(
        containers.bundle("sh", "-c", "echo hello >/dev/shm/greeting; echo up; sleep 60", ipc_mode="shareable")
    )
    assert first.read_line() == "up"
    name = f"container:{first.bundle.id}"
    second = containers.start(
        containers.bundle("sh", "-c", "cat /dev/shm/greeting; pidof sleep | wc -w", pid_mode=name, ipc_mode=name),
        joined={first.bundle.id: first.launched.pidfd},
    )
    assert second.wait().lines == ["hello", "1"]


def test_only_standard_descriptors_must_be_inherited(containers: Containers, tmp_path: Path):
    """Whatever the supervisor has open stays with it, even what is not close-on-exec (CVE-2024-21626)."""
    leak = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(leak, True)
    try:
        assert containers.run("ls", "/proc/self/fd").lines == ["0", "1", "2", "3"]  # 3 is ls's own
    finally:
        os.close(leak)


def test_signals_must_be_reset(containers: Containers):
    """Python ignores SIGPIPE and SIGXFSZ; a container must not inherit that, nor blocked signals."""
    lines = containers.shell("grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status | tr -d '\\t'", user="bob").lines
    assert lines[:2] == ["SigBlk:0000000000000000", "SigIgn:0000000000000000"]


@pytest.mark.parametrize("call", ["unshare -U true", "mount -t tmpfs x /tmp", "unshare -m true", "hostname elsewhere"])
def test_the_filter_and_the_capabilities_must_stop_an_escape(containers: Containers, call: str):
    """New namespaces, mounts and another host name are refused to root in a container."""
    ended = containers.shell(f"{call} && echo escaped")
    assert "escaped" not in ended.output
    assert "ermi" in ended.output  # "Operation not permitted", "permission denied"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/proc/sys/kernel/core_pattern", "|/x"),
        ("/proc/sysrq-trigger", "h"),
        ("/sys/kernel/uevent_helper", "/x"),
        ("/sys/fs/cgroup/memory/release_agent", "/x"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9"),
    ],
)
def test_the_kernels_switches_must_be_read_only(containers: Containers, path: str, text: str):
    """core_pattern, sysrq, uevent_helper, release_agent (CVE-2022-0492) cannot be written."""
    ended = containers.shell(f"echo '{text}' >{path} && echo written")
    assert "written" not in ended.output
    assert ended.code != 0


def test_writable_cgroups_must_be_for_those_who_ask(containers: Containers):
    """`security_opt: [writable-cgroups=true]` lets a container divide its own group, as systemd does."""
    script = "cd /sys/fs/cgroup; [ -d pids ] && cd pids; mkdir below && echo made; rmdir below"
    assert "made" not in containers.shell(script).output
    assert "made" in containers.shell(script, cgroup_writable=True).output


def test_masked_files_must_be_empty_and_masked_folders_too(containers: Containers):
    """/proc/keys and its like read as nothing, /sys/firmware has nothing in it."""
    ended = containers.shell(
        "cd /proc; for f in keys timer_list interrupts; do [ -e $f ] && wc -c <$f; done; ls /sys/firmware | wc -l"
    )
    assert set(ended.lines) == {"0"}


def test_own_network_settings_must_be_made_and_others_refused(containers: Containers):
    """Ports below 1024 and ping are free for all; `sysctls` of the container's namespaces are set."""
    ended = containers.shell(
        "cd /proc/sys/net; cat ipv4/ip_unprivileged_port_start ipv4/ping_group_range core/somaxconn ../kernel/shmmni",
        sysctls={"net.core.somaxconn": "99", "kernel.shmmni": "77"},
    )
    assert [line.split() for line in ended.lines] == [["0"], ["0", "2147483647"], ["99"], ["77"]]
    with pytest.raises(StartFailed, match=r"cannot set sysctl `net\.nothing`"):
        containers.run("true", sysctls={"net.nothing": "1"})


def test_limits_of_the_process_must_hold(containers: Containers):
    """`ulimits` and `oom_score_adj` reach the program."""
    ended = containers.shell(
        "ulimit -n; ulimit -H -n; cat /proc/self/oom_score_adj", rlimits=(("nofile", 100, 200),), oom_score_adj=321
    )
    assert ended.lines == ["100", "200", "321"]


def test_a_start_must_import_nothing_in_the_container(containers: Containers, tmp_path: Path):
    """Python modules and NSS libraries planted in the image are never loaded (CVE-2019-14271's class)."""
    canary = tmp_path / "canary"
    evil = f"open({str(canary)!r}, 'w').write('x')"
    folders = [folder.lstrip("/") for folder in sys.path if folder.startswith("/")]
    layer = containers.layer(
        {f"{folder}/{name}.py": evil for folder in folders for name in ("traceback", "stringprep")}
    )
    assert containers.run("true", user="bob", group_add=("audio",), layers=(layer,)).code == 0
    with pytest.raises(StartFailed):
        containers.run("true", user="nosuch", layers=(layer,))
    assert not canary.exists()
