"""What the caller's shell happens to be like must not reach into containers."""

import os
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.support.cli import Cli
from tests.support.sources import ROOT

PROJECT = """
name: shop
services:
  web:
    image: busybox
    user: "1000"
    command: sh -c 'cd /etc; cat passwd hosts hostname resolv.conf >/dev/null && echo readable; sleep 100'
    stop_grace_period: 0s
"""


def test_a_strict_umask_must_not_make_a_container_unreadable(cli: Cli, busybox_tar: Path):
    """`umask 077` is usual for root; /etc in the container is for its users all the same."""
    cli.write(PROJECT)
    cli.run("image", "import", str(busybox_tar), "busybox", umask=0o077)
    cli.run("up", "-d", "--wait", umask=0o077)
    assert cli.run("exec", "-T", "web", "sh", "-c", "ls /etc >/dev/null && umask", umask=0o077).stdout == "0022\n"
    assert "readable" in cli.run("logs", "web").stdout
    cli.run("down", umask=0o077)


def test_a_chroot_of_ours_must_not_let_exec_out(cli: Cli, busybox: str, tmp_path: Path):
    """pycompose run in a chroot: `exec` and probes see the container's files, not those of the machine."""
    cli.write(PROJECT)
    chroot = tmp_path / "chroot"
    chroot.mkdir()
    (tmp_path / "of-the-machine").write_text("")
    command = f"{sys.executable} -m compose"
    script = f"mount --rbind / {chroot} && exec chroot {chroot} /bin/sh -c " + shlex.quote(
        f"cd {cli.folder} && {command} up -d --wait && {command} exec -T web ls /tmp {tmp_path}; {command} down -t 0"
    )
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "shop-web-1  Started" in done.stderr, done.stderr
    assert "No such file or directory" in done.stderr
    assert "of-the-machine" not in done.stdout


def test_closed_standard_streams_must_harm_nothing(cli: Cli):
    """`>&-` frees a number that the state file would get, and what is printed would go into it."""
    cli.write("name: shop\nservices:\n  web: {image: host, command: sleep 100, init: true}\n")
    for closed in (">&-", "<&- >&-", "2>&-", "<&- >&- 2>&-"):
        done = _shell(cli, f"up -d {closed}")
        assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (0, "", False), done.stderr
        assert _shell(cli, f"ps {closed} | cat").stderr == ""
        assert "shop-web-1" in cli.run("ps").stdout
    cli.run("down", "-t", "0")


def test_a_full_disk_behind_standard_output_must_be_said_in_a_line(cli: Cli):
    """It is no defect of the program."""
    cli.write("name: shop\nservices:\n  web: {image: host}\n")
    for verb in ("config", "ps", "version"):
        done = _shell(cli, f"{verb} >/dev/full")
        assert (done.returncode, done.stderr) == (1, "error: cannot write: no space left on device\n")


def test_a_full_disk_below_the_state_must_be_called_so_and_be_left_by_removing(cli: Cli, busybox_tar: Path):
    """Not `Errno 28` and not SQLite's `disk I/O error`; the step's line is shown, nothing of it is kept."""
    cli.write("name: shop\nservices: {web: {build: .}}\n")
    cli.write("FROM busybox\nCOPY big /\n", "Dockerfile")
    (cli.folder / "big").write_bytes(os.urandom(20 << 20))
    state = Path(os.environ["PYCOMPOSE_ROOT"])
    state.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=0710", "none", str(state)], check=True, timeout=10)
    try:
        cli.run("image", "import", str(busybox_tar), "busybox")
        free = os.statvfs(state).f_bfree
        done = cli.run("build", code=1)
        assert "error: no space is left on the disk\n  --> Dockerfile:2:1" in done.stderr
        assert os.statvfs(state).f_bfree >= free - 64
        with (state / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(4096))
        assert "no space is left on the disk" in cli.run("image", "ls", code=1).stderr
        (state / "filler").unlink()
        cli.run("image", "rm", "busybox")
    finally:
        subprocess.run(["umount", str(state)], check=True, timeout=10)


def test_a_terminal_without_unicode_must_get_escapes(cli: Cli):
    """Folders and commands may have any name; a table with one of them is no defect."""
    cli.write("name: shop\nservices:\n  web: {image: host, command: echo grüße}\n")
    cli.run("up", "-d")
    shown = cli.run("ps", "-a", "--no-trunc", environment={"PYTHONIOENCODING": "ascii"}).stdout
    assert "gr\\xfc\\xdfe" in shown
    cli.run("down")


def test_a_folder_name_that_is_not_utf_8_must_be_refused_by_name(cli: Cli):
    """Linux's names are bytes, labels are text."""
    cli.write("services: {web: {image: host}}\n", "shop\udcff/compose.yaml")
    for verb in ("config", "up", "ps"):
        done = cli.run("-f", "shop\udcff/compose.yaml", verb, code=1)
        assert "is not UTF-8" in done.stderr


def _shell(cli: Cli, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f"{sys.executable} -m compose {command}"],
        cwd=cli.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
