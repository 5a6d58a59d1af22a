"""The container's terminal: a pair of the container's own devpts, its master for the parent.

Nothing is opened by a path that the container could have prepared: ptmx is checked to be devpts' own
(file system, inode 2, device 5:2), the slave comes from the master by ioctl (CVE-2025-52565).
"""

import errno
import fcntl
import os
import stat
import struct
import termios

from runtime.errors import StartFailed, SyscallError
from runtime.launch.tree import Tree
from runtime.syscall import constants as c
from runtime.syscall.mount import filesystem_magic, move_mount, open_tree

_PTMX_INODE = 2
_SLAVE_MAJORS = range(136, 144)


def open_terminal(tree: Tree, rows: int, columns: int) -> tuple[int, int]:
    """Return (master, slave) of a new terminal in the tree's /dev/pts. Raises SyscallError, StartFailed."""
    flags = os.O_RDWR | os.O_NOCTTY
    master = tree.open("/dev/pts/ptmx", flags, links=False)
    status = os.fstat(master)
    genuine = (
        filesystem_magic(master) == c.DEVPTS_SUPER_MAGIC
        and status.st_ino == _PTMX_INODE
        and status.st_rdev == os.makedev(5, 2)
    )
    if not genuine:
        raise StartFailed("`/dev/pts/ptmx` in the container is not a terminal multiplexer", exit_code=128)
    fcntl.ioctl(master, c.TIOCSPTLCK, struct.pack("i", 0))
    slave = fcntl.ioctl(master, c.TIOCGPTPEER, flags | os.O_CLOEXEC)
    if os.major(os.fstat(slave).st_rdev) not in _SLAVE_MAJORS:
        raise StartFailed("the container's terminal is not a pseudo terminal", exit_code=128)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return master, slave


def mount_console(tree: Tree, slave: int) -> None:
    """Make the terminal /dev/console too, by a mount on an empty file that no link can redirect."""
    dev = tree.open("/dev", os.O_PATH | os.O_DIRECTORY, links=False)
    flags = os.O_CREAT | os.O_NOFOLLOW | os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        os.close(os.open("console", flags, 0o620, dir_fd=dev))
        target = os.open("console", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dev)
    except OSError as error:
        raise SyscallError(error.errno or errno.EIO, "open", "/dev/console") from error
    if stat.S_ISLNK(os.fstat(target).st_mode):
        raise StartFailed("`/dev/console` in the container is a symbolic link", exit_code=128)
    mount_fd = open_tree(slave, "")
    move_mount(mount_fd, target)
    for descriptor in (mount_fd, target, dev):
        os.close(descriptor)


def make_controlling(slave: int) -> None:
    """Make the terminal the one that controls this session, whose leader we are."""
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
