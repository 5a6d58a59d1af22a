"""What is known about a process, and making one."""

import os
import select
import signal
import time

import pytest

from runtime.errors import EngineError, SyscallError
from runtime.syscall import capability, mount, namespace, process
from runtime.syscall import constants as c


def _ended(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], 5)[0])


def test_a_child_must_run_its_body_and_end():
    """It never gets back into the caller's code, whatever it does."""
    for body, code in ((lambda: os._exit(7), 7), (lambda: None, 128), (lambda: 1 // 0, 128)):
        pid, pidfd = process.clone(body)
        assert _ended(pidfd)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code
        os.close(pidfd)


def test_an_exit_status_must_be_known_by_pidfd():
    """Whoever holds a pidfd learns the status once somebody has reaped: None before."""
    pid, pidfd = process.clone(lambda: os._exit(5))
    assert _ended(pidfd)
    assert process.exit_status(pidfd) is None
    os.waitpid(pid, 0)
    status = process.exit_status(pidfd)
    os.close(pidfd)
    if status is None:
        pytest.skip("PIDFD_INFO_EXIT needs Linux 6.15")
    assert os.waitstatus_to_exitcode(status) == 5


def test_a_process_on_its_way_out_must_be_told_from_one_that_runs():
    """It counts as gone while nobody has reaped it, and afterwards."""
    reading, writing = os.pipe()
    pid, pidfd = process.clone(lambda: (os.close(writing), os.read(reading, 1)))
    assert not process.is_exiting(pidfd)
    os.close(writing)
    assert _ended(pidfd)
    assert process.is_exiting(pidfd)
    os.waitpid(pid, 0)
    assert process.is_exiting(pidfd)
    os.close(pidfd)
    os.close(reading)


def test_a_child_must_have_default_signals():
    """Neither the parent's handlers nor its wake-up descriptor nor its blocked signals are left."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    wakeup = signal.set_wakeup_fd(writing)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    try:
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
            pid, pidfd = process.clone(lambda number=number: (os.kill(os.getpid(), number), time.sleep(5)))
            assert _ended(pidfd)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -number
            os.close(pidfd)
        assert select.select([reading], [], [], 0)[0] == []
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR2])
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGUSR1, before)
        os.close(reading)
        os.close(writing)


def test_a_signal_must_go_to_the_process_meant_or_nowhere():
    """After its end, a pidfd names nobody."""
    pid, pidfd = process.clone(lambda: time.sleep(5))
    assert process.send_signal(pidfd, signal.SIGKILL) is True
    os.waitpid(pid, 0)
    assert process.send_signal(pidfd, signal.SIGKILL) is False
    os.close(pidfd)


def test_a_start_time_must_be_the_processes_own(tmp_path):
    """Also with a name full of blanks and parentheses."""
    assert process.start_time(os.getpid()) == process.start_time(os.getpid())

    def rename() -> None:
        process.set_name("a) 1 (b")
        os._exit(0 if process.start_time(os.getpid()) > 1000 else 1)

    pid, pidfd = process.clone(rename)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(pidfd)
    with pytest.raises(OSError):
        process.start_time(2**22)


def test_a_failed_call_must_say_what_failed():
    """Call, errno, subject, as an OSError too."""
    with pytest.raises(SyscallError) as caught:
        mount.openat2(c.AT_FDCWD, "/nothing/here", os.O_PATH, resolve=c.RESOLVE_IN_ROOT)
    assert isinstance(caught.value, OSError)
    assert (caught.value.errno, caught.value.call) == (2, "openat2")
    assert "`/nothing/here`" in str(caught.value)


def test_namespaces_must_be_named():
    """An error about flags says which kinds."""
    assert namespace.describe(c.CLONE_NEWPID | c.CLONE_NEWNET) == "net,pid"


def test_a_boot_must_have_one_identity():
    """The same each time it is asked."""
    assert process.boot_id() == process.boot_id()
    assert len(process.boot_id()) == 36


def test_capability_names_must_have_their_numbers():
    """As in linux/capability.h."""
    assert capability.to_mask(["CAP_CHOWN"]) == 1
    assert capability.to_mask(["CAP_SYS_ADMIN"]) == 1 << 21
    assert capability.to_mask(["CAP_CHECKPOINT_RESTORE"]) == 1 << 40
    with pytest.raises(EngineError, match="CAP_NOTHING"):
        capability.to_mask(["CAP_NOTHING"])
