"""Processes: the only place that makes one, and what is known about one from outside.

`clone` is a raw clone3(2). That bypasses the C library's and Python's fork handlers, which exist for
threads, so it refuses to run in a process that has any. What it gains: the child starts inside its
cgroup (CLONE_INTO_CGROUP) and its namespaces, and its pidfd comes with it. Writing to `cgroup.procs`
instead waits for an RCU grace period, 5 to 15 ms, whenever nobody has written for a while.
"""

import ctypes
import errno
import fcntl
import gc
import os
import signal
import struct
from collections.abc import Callable
from typing import NoReturn

from runtime.errors import FailedPrecondition, SyscallError
from runtime.syscall import constants as c
from runtime.syscall.libc import check, function, int_t, long_t, pointer_t, raw, ulong_t

_CLONE_ARGS = struct.Struct("=11Q")
_ALL_SIGNALS = (1 << 64) - 1
_MAXIMUM_FD = 0xFFFFFFFF

_prctl = function("prctl", int_t, ulong_t, ulong_t, ulong_t, ulong_t)
_sigaction = raw(int_t, pointer_t, pointer_t, ctypes.c_size_t)
_close_range = raw(ctypes.c_uint, ctypes.c_uint, ctypes.c_uint)
_sigprocmask = raw(int_t, pointer_t, pointer_t, ctypes.c_size_t)
_getcwd = raw(pointer_t, ctypes.c_size_t)
# PyDLL keeps the interpreter lock across the call, so the child holds it as the parent did.
_clone3 = ctypes.PyDLL(None, use_errno=True).syscall
_clone3.restype = long_t
_clone3.argtypes = [long_t, pointer_t, ctypes.c_size_t]
_DEFAULT_ACTION = ctypes.create_string_buffer(32)
"""The kernel's struct sigaction: SIG_DFL, no flags, nothing masked."""
_RESETTABLE_SIGNALS = [n for n in range(1, signal.NSIG) if n not in (signal.SIGKILL, signal.SIGSTOP)]


def thread_count() -> int:
    """Return how many threads this process has, as the kernel counts them."""
    return os.stat("/proc/self/task").st_nlink - 2


def clone(body: Callable[[], object], flags: int = 0, cgroup_fd: int | None = None) -> tuple[int, int]:
    """Make a child process that runs `body` and ends; return its (pid, pidfd).

    The child has default signal dispositions, no blocked signals and no garbage collection. Nothing
    of it ever gets back into the caller's code: when `body` returns or raises, it ends with 128.
    `flags` are CLONE_NEW*; `cgroup_fd` is a folder of the v2 tree. Raises FailedPrecondition when the
    process has threads, SyscallError.
    """
    if thread_count() > 1:
        raise FailedPrecondition("a process with threads cannot start containers")
    pidfd = ctypes.c_int(-1)
    flags |= c.CLONE_PIDFD
    if cgroup_fd is not None:
        flags |= c.CLONE_INTO_CGROUP
    arguments = ctypes.create_string_buffer(
        _CLONE_ARGS.pack(flags, ctypes.addressof(pidfd), 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, cgroup_fd or 0)
    )
    # No signal may reach a Python handler, and with it the parent's wake-up descriptor, in the child.
    previous = _set_signal_mask(signal.SIG_BLOCK, _ALL_SIGNALS)
    pid = _clone3(c.NR_CLONE3, ctypes.addressof(arguments), _CLONE_ARGS.size)
    if pid == 0:
        _run_child(body)
    number = ctypes.get_errno()
    _set_signal_mask(signal.SIG_SETMASK, previous)
    if pid < 0:
        raise SyscallError(number, "clone3")
    return pid, pidfd.value


def fork() -> int:
    """fork(2), for a child under a seccomp filter, where clone3 answers ENOSYS."""
    return os.fork()


def _run_child(body: Callable[[], object]) -> NoReturn:
    try:
        _become_child()
        body()
    finally:
        os._exit(128)


def _set_signal_mask(how: int, mask: int) -> int:
    """Change the mask of blocked signals and return the former one, both as bits."""
    wanted, previous = ctypes.c_uint64(mask), ctypes.c_uint64()
    _sigprocmask(c.NR_RT_SIGPROCMASK, how, ctypes.addressof(wanted), ctypes.addressof(previous), 8)
    return previous.value


def _become_child() -> None:
    gc.disable()
    signal.set_wakeup_fd(-1)
    # By the raw call: the C library's refuses its own 32 and 33, which whoever was started by posix_spawn
    # (make, for one) inherits as ignored; and Python's takes 2 us each.
    action = ctypes.addressof(_DEFAULT_ACTION)
    for number in _RESETTABLE_SIGNALS:
        _sigaction(c.NR_RT_SIGACTION, number, action, None, 8)
    _set_signal_mask(signal.SIG_SETMASK, 0)


def prctl(option: int, argument: int = 0, subject: str = "", second: int = 0) -> int:
    """prctl(2) with up to two arguments."""
    return check(_prctl(option, argument, second, 0, 0), "prctl", subject)


def become_subreaper() -> None:
    """Adopt the orphans among our descendants (PR_SET_CHILD_SUBREAPER)."""
    prctl(c.PR_SET_CHILD_SUBREAPER, 1, "PR_SET_CHILD_SUBREAPER")


def forbid_dumping() -> None:
    """Close /proc/self/{mem,fd,exe,…} to everybody without CAP_SYS_PTRACE here; children inherit it."""
    prctl(c.PR_SET_DUMPABLE, 0, "PR_SET_DUMPABLE")


def set_name(name: str) -> None:
    """Set the name that ps shows in `comm`, up to 15 bytes."""
    buffer = ctypes.create_string_buffer(os.fsencode(name)[:15])
    prctl(c.PR_SET_NAME, ctypes.addressof(buffer), "PR_SET_NAME")


def argument_span() -> tuple[int, int]:
    """Return where this process's argv begins and ends in memory (proc(5), arg_start and arg_end); forks share it."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return int(fields[45]), int(fields[46])


def set_title(title: str, span: tuple[int, int]) -> None:
    """Overwrite argv, which everybody may read in /proc/<pid>/cmdline, as setproctitle(3) does."""
    start, end = span
    size = end - start
    if size < 2:
        return
    text = os.fsencode(title)[: size - 2]
    # A last byte that is not NUL tells the kernel that the text ends at the first one.
    ctypes.memmove(start, text + bytes(size - 1 - len(text)) + b"\1", size)


def close_descriptors(first: int, last: int = _MAXIMUM_FD) -> None:
    """Close every descriptor from `first` to `last` (close_range, Linux 5.9)."""
    if first <= last:
        check(_close_range(c.NR_CLOSE_RANGE, first, last, 0), "close_range")


def current_directory() -> str:
    """Return getcwd(2) as the kernel gives it: one outside our root does not start with `/`."""
    buffer = ctypes.create_string_buffer(4096)
    check(_getcwd(c.NR_GETCWD, ctypes.addressof(buffer), len(buffer)), "getcwd")
    return os.fsdecode(buffer.value)


def start_time(pid: int) -> int:
    """Return field 22 of /proc/<pid>/stat, clock ticks since boot: with the boot id, a pid's identity.

    Raises FileNotFoundError or ProcessLookupError when there is no such process.
    """
    with open(f"/proc/{pid}/stat", "rb") as file:
        # The name in field 2 may hold blanks and parentheses: count from the last one.
        return int(file.read().rpartition(b")")[2].split()[19])


def pid_of(pidfd: int) -> int:
    """Return the pid behind a pidfd as seen here, -1 when the process is gone (pidfd_open(2), fdinfo)."""
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pid:"):
                return int(line[4:])
    return -1


def is_exiting(pidfd: int) -> bool:
    """Whether the process is on its way out or gone (proc(5), flags of /proc/<pid>/stat).

    The first process of a pid namespace kills all others in it on that way, long before poll(2) tells of its end.
    """
    try:
        with open(f"/proc/{pid_of(pidfd)}/stat", "rb") as file:
            return bool(int(file.read().rpartition(b")")[2].split()[6]) & c.PF_EXITING)
    except (FileNotFoundError, ProcessLookupError):
        return True


def boot_id() -> str:
    """Return the identity of this boot; records from another boot describe nothing that runs."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def send_signal(pidfd: int, number: int) -> bool:
    """Send a signal through a pidfd, never to a recycled pid; false when the process has ended."""
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    return True


def exit_status(pidfd: int) -> int | None:
    """Return the raw wait status of a process that ended and was reaped by anybody, else None.

    Works for whoever held the pidfd across the end, parent or not (PIDFD_GET_INFO, Linux 6.15); None
    as well when the kernel is older. Raises SyscallError for another failure.
    """
    buffer = bytearray(64)
    struct.pack_into("=Q", buffer, 0, c.PIDFD_INFO_EXIT)
    try:
        fcntl.ioctl(pidfd, c.PIDFD_GET_INFO, buffer, True)
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EINVAL, errno.ESRCH):
            return None
        raise SyscallError(error.errno or 0, "PIDFD_GET_INFO") from error
    (mask,) = struct.unpack_from("=Q", buffer, 0)
    if not mask & c.PIDFD_INFO_EXIT:
        return None
    (status,) = struct.unpack_from("=i", buffer, 60)
    return int(status)
