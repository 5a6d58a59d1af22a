"""Images and containers that want out: each known way fails, and nothing outside is touched."""

import ctypes
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from runtime.errors import EngineError, StartFailed
from runtime.launch import launcher
from runtime.launch.stdio import LaunchStdio
from schemas.engine.bundle import BundleMount
from tests.integration.launch.containers import Containers

RENAME_EXCHANGE = 2


def _outcome(containers: Containers, *arguments: str, **settings: object) -> str:
    try:
        return containers.run(*arguments, **settings).output
    except EngineError as error:
        return error.message


@pytest.mark.parametrize("name", ["proc", "sys", "dev"])
def test_a_link_where_a_kernel_file_system_goes_must_be_refused(containers: Containers, tmp_path: Path, name: str):
    """An image whose /proc, /sys or /dev is a link does not start (CVE-2019-19921, CVE-2023-27561, CVE-2026-47766)."""
    target = tmp_path / "outside"
    target.mkdir()
    layer = containers.layer(links={name: str(target)})
    with pytest.raises(StartFailed, match=f"/{name}"):
        containers.run("true", layers=(layer,))
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("name", ["dev/pts", "dev/shm", "dev/console"])
def test_links_below_dev_must_not_redirect_anything(containers: Containers, tmp_path: Path, name: str):
    """/dev is a file system of its own: what the image has there is covered (CVE-2025-52565)."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    layer = containers.layer(links={name: f"../../../../../../../..{victim}"})
    bundle = containers.bundle("true", layers=(layer,), tty=True)
    containers.start(bundle).wait()
    assert victim.read_text() == "untouched"
    assert list((Path(layer) / "dev").iterdir()) == [Path(layer) / name]


def test_a_mount_target_behind_a_link_must_stay_inside(containers: Containers, tmp_path: Path):
    """Links and `..` in targets are resolved in the container's root, existing or made on the way."""
    outside = tmp_path / "outside"
    outside.mkdir()
    source = tmp_path / "source"
    source.mkdir()
    (source / "f").write_text("x")
    climb = "../" * 20
    layer = containers.layer(
        links={"absolute": str(outside), "relative": climb + str(outside)[1:], "loop": "loop2", "loop2": "loop"}
    )
    mounts = tuple(
        BundleMount("bind", target, str(source))
        for target in ("/absolute/a", "/relative/b", f"/{climb}c", "/a/../../d")
    )
    ended = containers.shell("ls /c /d /absolute/a /relative/b", layers=(layer,), mounts=mounts)
    assert ended.output.count("f\n") == 4
    assert list(outside.iterdir()) == []
    loop = BundleMount("bind", "/loop/x", str(source))
    with pytest.raises(StartFailed, match="symbolic links"):
        containers.run("true", layers=(layer,), mounts=(loop,))


@pytest.mark.parametrize("target", ["/proc", "/proc/sys", "/proc/self/attr", "/hidden", "/hidden/sys/kernel"])
def test_nothing_must_be_mounted_on_proc(containers: Containers, tmp_path: Path, target: str):
    """A volume on /proc or in it is refused, however it is written (CVE-2019-16884)."""
    layer = containers.layer(links={"hidden": "/proc"})
    message = _outcome(
        containers, "echo", "started", layers=(layer,), mounts=(BundleMount("bind", target, str(tmp_path)),)
    )
    assert "started" not in message
    assert "/proc" in message


def test_a_figure_in_proc_may_be_replaced(containers: Containers, tmp_path: Path):
    """What lxcfs replaces, like /proc/uptime, may be."""
    source = tmp_path / "uptime"
    source.write_text("1 2\n")
    ended = containers.run("cat", "/proc/uptime", mounts=(BundleMount("bind", "/proc/uptime", str(source)),))
    assert ended.output == "1 2\n"


def test_passwd_must_be_a_file_of_the_container(containers: Containers, tmp_path: Path):
    """A link to a file of the host or to a device, or a pipe, is not read: the name is unknown."""
    secret = tmp_path / "passwd"
    secret.write_text("eve:x:0:0::/:/bin/sh\n")
    for target in (str(secret), "../" * 20 + str(secret)[1:], "/dev/zero", "/proc/self/fd/3"):
        layer = containers.layer(links={"etc/passwd": target})
        with pytest.raises(StartFailed, match="unable to find user eve"):
            containers.run("true", user="eve", layers=(layer,))
    pipe = containers.layer({"etc/x": ""})
    os.mkfifo(Path(pipe) / "etc/passwd")
    with pytest.raises(StartFailed, match="unable to find user eve"):
        containers.run("true", user="eve", layers=(pipe,))


def test_a_broken_id_in_passwd_must_not_mean_root(containers: Containers):
    """A line whose number cannot be read names nobody."""
    layer = containers.layer({"etc/passwd": "eve:x:zero:0::/:/bin/sh\neve:x:99999999999:0::/:/bin/sh\n"})
    with pytest.raises(StartFailed, match="unable to find user eve"):
        containers.run("true", user="eve", layers=(layer,))


def test_the_interpreter_must_not_be_writable_through_proc(containers: Containers):
    """Executing /proc/self/exe, or opening the engine's, gives the container no way to it (CVE-2019-5736)."""
    layer = containers.layer({"bin/evil": "#!/proc/self/exe\n"})
    before = Path(sys.executable).resolve().stat()
    for program in ("/bin/evil", "/proc/self/exe"):
        _outcome(containers, program, layers=(layer,))
    ended = containers.shell("ls -l /proc/1/exe; (echo x >>/proc/1/exe) 2>&1", init=True, user="bob")
    assert "python" not in ended.output
    assert "ermission denied" in ended.output
    after = Path(sys.executable).resolve().stat()
    assert (before.st_mtime_ns, before.st_size, before.st_ino) == (after.st_mtime_ns, after.st_size, after.st_ino)


def test_null_must_be_null_even_if_it_is_raced(containers: Containers):
    """A container that replaces its /dev/null does not change what masks the next one's files (CVE-2025-31133)."""
    first = containers.start(
        containers.bundle("sh", "-c", "rm /dev/null; ln -s /proc/sys/kernel/core_pattern /dev/null; echo up; sleep 60")
    )
    assert first.read_line() == "up"
    command = containers.exec_in(first, "sh", "-c", "wc -c </proc/keys; stat -c %t:%T /proc/keys")
    assert command.wait().lines == ["0", "1:3"]


def test_an_exec_must_not_take_a_false_null(containers: Containers):
    """With /dev/null replaced by a link, an exec without input reads the host's null device, not the link's target."""
    script = "rm /dev/null; ln -s /etc/passwd /dev/null; echo up; sleep 60"
    first = containers.start(containers.bundle("sh", "-c", script))
    assert first.read_line() == "up"
    assert containers.exec_in(first, "sh", "-c", "wc -c; stat -L -c %t:%T /proc/self/fd/0").wait().lines == ["0", "1:3"]


def test_racing_renames_in_a_volume_must_not_move_a_mount_out(containers: Containers, tmp_path: Path):
    """A container that swaps folder and link while another mounts below the volume gains nothing (CVE-2021-30465)."""
    volume, outside = tmp_path / "volume", tmp_path / "outside"
    volume.mkdir()
    outside.mkdir()
    (volume / "real").mkdir()
    (volume / "link").symlink_to(outside)
    stop = os.fork()
    if stop == 0:
        libc = ctypes.CDLL(None)
        end = time.monotonic() + 20
        a, b = str(volume / "real").encode(), str(volume / "link").encode()
        while time.monotonic() < end:
            libc.renameat2(-100, a, -100, b, RENAME_EXCHANGE)
        os._exit(0)
    try:
        mounts = (
            BundleMount("bind", "/volume", str(volume)),
            BundleMount("tmpfs", "/volume/real/sub/deep"),
        )
        for _ in range(60):
            _outcome(containers, "true", mounts=mounts)
        assert list(outside.iterdir()) == []
    finally:
        os.kill(stop, 9)
        os.waitpid(stop, 0)


def test_threads_must_be_refused(containers: Containers):
    """A raw clone in a process with threads could copy a held lock: it is an error instead."""
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        with pytest.raises(EngineError, match="threads"):
            containers.run("true")
    finally:
        release.set()
        thread.join()


def test_a_cgroup_path_must_not_climb(containers: Containers):
    """`..` in a cgroup's path could reach another container's limits."""
    bundle = containers.bundle("true", cgroup_path="pycompose/../../x")
    with pytest.raises(EngineError, match="no path below a cgroup hierarchy"):
        launcher.start(bundle, LaunchStdio(), sandbox_fd=None)  # not by the fixture: its clean-up refuses the path too


def test_keys_must_not_be_shared(containers: Containers):
    """Each container has a session keyring of its own, and cannot add to it through the filter."""
    ours = Path("/proc/self/status").read_text()
    assert "Seccomp:\t0" in ours
    ended = containers.shell("wc -c </proc/keys; cat /proc/key-users | wc -l")
    assert ended.lines[0] == "0"


def test_the_init_process_must_not_show_the_hosts_paths(containers: Containers):
    """Its arguments are those of the supervisor; everybody in the container may read them."""
    ended = containers.shell("tr '\\0' '#' </proc/1/cmdline", init=True, user="bob")
    assert ended.output.strip().rstrip("#") == "docker-init"
