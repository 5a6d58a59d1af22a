"""`tty: true`: a terminal of the container's own devpts, its master with the supervisor."""

import fcntl
import os
import struct
import termios

from tests.integration.launch.containers import Containers, read_all

SHOW = "tty; stat -c '%t:%T %u' $(tty); [ -c /dev/console ] && echo console; ps -o tty,sid,pid | tail -1; stty size"


def test_a_terminal_must_be_the_controlling_one_and_the_console(containers: Containers):
    """The program sees /dev/pts/0 as its terminal, and /dev/console is the same one."""
    running = containers.start(containers.bundle("sh", "-c", SHOW, tty=True))
    assert running.launched.pty_fd is not None
    text = read_all(running.launched.pty_fd).decode().replace("\r", "")
    lines = text.splitlines()
    assert lines[:3] == ["/dev/pts/0", "88:0 0", "console"]
    assert lines[-1] == "24 80"
    assert running.wait().code == 0


def test_a_terminal_must_belong_to_the_user(containers: Containers):
    """For a user who is not root the terminal is its own, so it can be opened again."""
    running = containers.start(
        containers.bundle("sh", "-c", "stat -c %u /dev/pts/0; echo x >/dev/tty", tty=True, user="bob")
    )
    assert read_all(running.launched.pty_fd).decode().split() == ["1000", "x"]


def test_input_and_interrupt_must_arrive(containers: Containers):
    """What is typed is read, Ctrl-C is a SIGINT, and a new size is seen."""
    running = containers.start(
        containers.bundle(
            "sh", "-c", "trap 'stty size; exit 7' INT; read x; echo got $x; while :; do sleep 0.05; done", tty=True
        )
    )
    master = running.launched.pty_fd
    os.write(master, b"hello\n")
    shown = b""
    while b"got hello" not in shown:
        shown += os.read(master, 100)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
    os.write(master, b"\x03")
    assert b"30 90" in read_all(master)
    assert running.wait().code == 7


def test_an_exec_must_get_a_terminal_of_the_containers(containers: Containers):
    """`exec -t` opens the next terminal of the container, in the size asked for, with TERM set."""
    running = containers.start(containers.bundle("sleep", "60"))
    command = containers.exec_in(running, "sh", "-c", "tty; stty size; echo $TERM", tty=True, rows=33, columns=101)
    assert read_all(command.launched.pty_fd).decode().replace("\r", "").splitlines() == [
        "/dev/pts/0",
        "33 101",
        "xterm",
    ]


def test_no_terminal_of_the_host_must_control_a_container(containers: Containers):
    """Without `tty` a container is in a session of its own and has no controlling terminal (TIOCSTI)."""
    ended = containers.shell("(echo x >/dev/tty) 2>&1; cut -d' ' -f6,7 /proc/self/stat")
    assert "can't" in ended.lines[0] or "No such device" in ended.lines[0]
    session, terminal = ended.lines[-1].split()
    assert (session, terminal) == ("1", "0")
