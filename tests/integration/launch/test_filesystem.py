"""The container's files: the mount table, the user's mounts, what is read-only, what is made."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from runtime.errors import StartFailed
from schemas.engine.bundle import BundleMount
from schemas.engine.specs import Device
from tests.integration.launch.containers import Containers

TABLE = "while read _ _ _ _ target options rest; do echo $target $options; done </proc/self/mountinfo"


def test_the_mounts_must_be_dockers(containers: Containers):
    """Targets and flags of the default mounts are those of `docker run`, but for the cgroup trees."""
    lines = containers.shell(TABLE).lines
    assert {line for line in lines if not line.startswith(("/sys/fs/cgroup/", "/proc/", "/sys/firmware"))} == {
        "/ rw,relatime",
        "/proc rw,nosuid,nodev,noexec,relatime",
        "/dev rw,nosuid",
        "/dev/pts rw,nosuid,noexec,relatime",
        "/sys ro,nosuid,nodev,noexec,relatime",
        "/sys/fs/cgroup ro,nosuid,nodev,noexec,relatime",
        "/dev/mqueue rw,nosuid,nodev,noexec,relatime",
        "/dev/shm rw,nosuid,nodev,noexec,relatime",
    }
    for path in filter(os.path.exists, ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")):
        assert f"{path} ro,nosuid,nodev,noexec,relatime" in lines


def test_nothing_of_the_hosts_mounts_must_be_left(containers: Containers, tmp_path: Path):
    """After the move to the new root no mount of the host is in sight, nor one of ours on the host."""
    before = Path("/proc/self/mountinfo").read_text()
    assert str(tmp_path) not in containers.shell("cut -d' ' -f5 /proc/self/mountinfo").output
    assert Path("/proc/self/mountinfo").read_text() == before


def test_dev_must_have_dockers_nodes_and_links(containers: Containers):
    """Six nodes that everybody may use, and the links to descriptors, kcore and ptmx."""
    nodes = "null zero full random urandom tty"
    ended = containers.shell(
        f"cd /dev; stat -c '%n %F %a %t:%T' {nodes}; for l in fd stdin ptmx core; do readlink $l || true; done"
    )
    assert ended.lines == [
        "null character special file 666 1:3",
        "zero character special file 666 1:5",
        "full character special file 666 1:7",
        "random character special file 666 1:8",
        "urandom character special file 666 1:9",
        "tty character special file 666 5:0",
        "/proc/self/fd",
        "/proc/self/fd/0",
        "pts/ptmx",
        *(["/proc/kcore"] if Path("/proc/kcore").exists() else []),
    ]


def test_a_read_only_container_must_be_writable_only_where_docker_leaves_it(containers: Containers):
    """`read_only: true` protects the root; /dev, /dev/shm and tmpfs mounts stay writable."""
    ended = containers.shell(
        "touch /x; touch /etc/x; touch /dev/x && touch /dev/shm/x && touch /run/x && echo fine",
        read_only=True,
        mounts=(BundleMount("tmpfs", "/run"),),
    )
    assert ended.output.count("Read-only file system") == 2
    assert ended.lines[-1] == "fine"


def test_writes_must_land_in_the_containers_own_layer(containers: Containers):
    """The image's layers are never changed; the container's upper folder has what it wrote."""
    bundle = containers.bundle("sh", "-c", "echo changed >/etc/passwd; rm /bin/ls; echo new >/new")
    assert containers.start(bundle).wait().code == 0
    assert (containers.root / "bin/ls").is_symlink()
    assert "root:x:0" in (containers.root / "etc/passwd").read_text()
    assert (Path(bundle.rootfs.upper) / "new").read_text() == "new\n"


def test_the_initial_files_must_be_there_without_an_init_layer(containers: Containers):
    """/.dockerenv, /etc/mtab and the three files that get mounted over exist in any image."""
    ended = containers.shell(
        "ls /.dockerenv /etc/hosts /etc/hostname /etc/resolv.conf; readlink /etc/mtab", layers=(containers.layer(),)
    )
    assert ended.lines == ["/.dockerenv", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc/mounts"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a host folder with a file in it."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "file").write_text("content\n")
    return folder


def test_a_bind_mount_must_show_the_hosts_folder_and_file(containers: Containers, source: Path):
    """Folder and file targets are made when missing, with what is above them, and writes reach the host."""
    ended = containers.shell(
        "cat /data/deep/file /etc/one; echo back >/data/deep/answer",
        mounts=(
            BundleMount("bind", "/data/deep", str(source)),
            BundleMount("bind", "/etc/one", str(source / "file")),
        ),
    )
    assert ended.output == "content\ncontent\n"
    assert (source / "answer").read_text() == "back\n"


def test_a_read_only_bind_mount_must_refuse_writes_also_below(containers: Containers, source: Path):
    """`read_only` is recursive: a file system mounted below the source is protected as well."""
    below = source / "below"
    below.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", below], check=True)
    try:
        mount = BundleMount("bind", "/data", str(source), read_only=True)
        ended = containers.shell("touch /data/x; touch /data/below/x; echo done", mounts=(mount,))
        assert ended.output.count("Read-only file system") == 2
        loose = BundleMount("bind", "/data", str(source), read_only=True, recursive_read_only=False)
        assert containers.shell("touch /data/below/x && echo done", mounts=(loose,)).lines == ["done"]
        alone = BundleMount("bind", "/data", str(source), recursive=False)
        assert containers.shell("ls -A /data/below", mounts=(alone,)).output == ""
    finally:
        subprocess.run(["umount", below], check=True)


def test_a_subpath_must_not_leave_its_volume(containers: Containers, source: Path):
    """`volume.subpath` works, and a link in the volume cannot make it mean a folder of the host."""
    (source / "sub").mkdir()
    (source / "sub/inner").write_text("inner\n")
    (source / "trap").symlink_to("/etc")
    (source / "up").symlink_to("..")
    good = BundleMount("bind", "/data", str(source), subpath="sub")
    assert containers.shell("cat /data/inner", mounts=(good,)).output == "inner\n"
    for subpath in ("trap", "up", "../other", "nothing"):
        bad = BundleMount("bind", "/data", str(source), subpath=subpath)
        with pytest.raises(StartFailed, match="cannot mount"):
            containers.run("true", mounts=(bad,))


def test_a_folder_on_a_file_must_be_explained(containers: Containers, source: Path):
    """Mounting a folder onto a file of the image fails with what is wrong."""
    with pytest.raises(StartFailed, match=r"`/etc/passwd`: not a directory"):
        containers.run("true", mounts=(BundleMount("bind", "/etc/passwd", str(source)),))


def test_propagation_must_be_as_asked(containers: Containers, source: Path):
    """rprivate by default; rslave and rshared follow what the host mounts later, rshared also back."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", source], check=True)
    try:
        subprocess.run(["mount", "--make-shared", source], check=True)
        for propagation, field in (("rprivate", ""), ("rslave", "master:"), ("rshared", "shared:")):
            mount = BundleMount("bind", "/data", str(source), propagation=propagation)
            row = containers.shell("grep ' /data ' /proc/self/mountinfo", mounts=(mount,)).output
            assert ("master:" in row, "shared:" in row) == (field == "master:", field == "shared:")
    finally:
        subprocess.run(["umount", source], check=True)


def test_a_tmpfs_must_take_its_options_and_the_images_mode(containers: Containers):
    """Safe flags by default, options where given, and the mode of the folder that it covers."""
    mounts = (
        BundleMount("tmpfs", "/tmp"),
        BundleMount("tmpfs", "/run", options=("size=1m", "mode=0700", "uid=1000", "exec")),
    )
    ended = containers.shell(
        f"{TABLE} | grep -E '^/(tmp|run) '; stat -c '%a %u' /tmp /run; df -k /run | tail -1", mounts=mounts
    )
    assert ended.lines[:4] == [
        "/tmp rw,nosuid,nodev,noexec,relatime",
        "/run rw,nosuid,nodev,relatime",
        "1777 0",
        "700 1000",
    ]
    assert ended.lines[4].split()[1] == "1024"


def test_a_users_mount_must_replace_the_default_one(containers: Containers, source: Path):
    """A volume on /dev/shm or /sys/fs/cgroup takes the place of Docker's own mount there."""
    mounts = (BundleMount("bind", "/dev/shm", str(source)), BundleMount("bind", "/sys/fs/cgroup", str(source)))
    ended = containers.shell("cat /dev/shm/file /sys/fs/cgroup/file; grep -c /dev/shm /proc/mounts", mounts=mounts)
    assert ended.lines == ["content", "content", "1"]


def test_shared_memory_must_have_its_size_or_not_be_there(containers: Containers):
    """`shm_size` bounds /dev/shm; `ipc: none` has none."""
    assert containers.shell("df -k /dev/shm | tail -1", shm_size_bytes=1 << 20).output.split()[1] == "1024"
    assert "/dev/shm" not in containers.shell("cat /proc/mounts", ipc_mode="none").output


def test_a_device_must_be_there_and_usable_with_its_permissions(containers: Containers):
    """`devices:` gives the node and the right to use it; without it the node can be made but not opened."""
    device = Device("/dev/fuse", "/dev/user/space", "r")
    script = """stat -c %t:%T /dev/user/space
: </dev/user/space && echo readable
: >/dev/user/space && echo writable"""
    ended = containers.shell(script, devices=(device,))
    assert ended.lines[:2] == ["a:e5", "readable"]
    assert "writable" not in ended.output
    assert "Operation not permitted" in ended.output
    bare = containers.shell("mknod /tmp/f c 10 229 && : </tmp/f && echo readable")
    assert "Operation not permitted" in bare.output


def test_a_device_that_is_not_there_must_be_named(containers: Containers):
    """A typing error in `devices:` is found before anything starts."""
    with pytest.raises(Exception, match="/dev/nothing"):
        containers.run("true", devices=(Device("/dev/nothing", "/dev/nothing"),))


def test_standard_output_must_be_openable_by_the_user(containers: Containers):
    """`/dev/stdout` works for a user who is not root: the pipe belongs to it."""
    assert containers.shell("echo hello >/dev/stdout", user="bob").output == "hello\n"


def test_a_root_of_many_layers_must_be_mounted(containers: Containers):
    """More layers than one page of mount options could hold."""
    layers = tuple(containers.layer({f"f{number}": str(number)}) for number in range(120))
    ended = containers.shell("ls -d /f* | wc -l; cat /f7", layers=layers)
    assert ended.lines == ["120", "7"]


def test_a_layers_path_may_be_long_and_strange(containers: Containers, tmp_path: Path):
    """A state folder with a path over 255 bytes, colons and commas is no problem."""
    folder = tmp_path / ("x" * 200) / ("a:b,c\\" * 20)
    folder.mkdir(parents=True)
    (folder / "hello").write_text("hi\n")
    assert containers.run("cat", "/hello", layers=(str(folder),)).output == "hi\n"


def test_a_folders_set_user_bit_must_not_be_reached_from_outside(containers: Containers):
    """What the container writes keeps its mode: the state folder's own mode is what protects the host."""
    bundle = containers.bundle("sh", "-c", "cp /bin/busybox /x; chmod 4755 /x")
    containers.start(bundle).wait()
    mode = (Path(bundle.rootfs.upper) / "x").stat().st_mode
    assert stat.S_IMODE(mode) == 0o4755
